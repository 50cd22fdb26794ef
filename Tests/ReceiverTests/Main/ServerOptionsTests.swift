import Foundation
import TestSupport
import Testing

@Suite("Options of the server", .timeLimit(.minutes(4)), .serialized)
struct ServerOptionsTests {
    @Test("every option has an environment variable, which the command line overrides")
    func environment() async throws {
        let help = try await Subprocess.run(Subprocess.product("server"), ["--help"]).output
        let options = help.matches(of: /(?m)^  (--[a-z0-9-]+)/).map { String($0.1) }
        #expect(options.count >= 16)
        for option in options {
            let name = "HTTP_STREAMING_" + option.dropFirst(2).uppercased().replacing("-", with: "_")
            #expect(help.contains("  \(name)\n"), "\(name)")
        }
        // A value that begins with a hyphen, and one that the command line overrides.
        let server = try await ServerProcess.start(
            ["--log-level", "info"],
            environment: [
                "HTTP_STREAMING_TOKEN": "-a", "HTTP_STREAMING_LOG_LEVEL": "nonsense", "HTTP_STREAMING_PORT": "1",
                "HTTP_STREAMING_MAX_SIZE": "1K", "HTTP_STREAMING_DISCARD": "true",
            ])
        let statuses = try await server.connected { connection in
            try [("", 10), ("Authorization: Bearer -a\r\n", 10), ("Authorization: Bearer -a\r\n", 1025)].map {
                field, size in
                // Sent in one piece: a response before the body would be the last of the connection.
                let body = size == 10 ? String(repeating: "x", count: size) : ""
                let head = "PUT /x HTTP/1.1\r\nHost: x\r\n\(field)Content-Length: \(size)\r\n\r\n"
                return try connection.ask(head + body).status
            }
        }
        #expect(statuses == [401, 201, 413])
        #expect(try server.directory.contents().isEmpty)
        server.process.terminate()
        // Every variable is read: an invalid value stops the start, and the error names it.
        for option in options where option != "--help" {
            let name = "HTTP_STREAMING_" + option.dropFirst(2).uppercased().replacing("-", with: "_")
            let invalid = try await Subprocess.run(
                Subprocess.product("server"), environment: [name: "/dev/null/not valid"], deadline: .seconds(20))
            #expect(invalid.status > 0, "\(name)")
            #expect(
                invalid.errorOutput.contains(name) || invalid.errorOutput.contains("/dev/null/not valid"),
                "\(name): \(invalid.errorOutput)")
        }
        // An empty token is an error; other empty variables count as not set.
        let open = try await Subprocess.run(
            Subprocess.product("server"), environment: ["HTTP_STREAMING_TOKEN": ""], deadline: .seconds(20))
        #expect(open.status == 64)
        #expect(open.errorOutput.contains("HTTP_STREAMING_TOKEN"))
        let unset = try await ServerProcess.start(environment: [
            "HTTP_STREAMING_MAX_SIZE": "", "HTTP_STREAMING_DISCARD": "off",
            "HTTP_STREAMING_SHUTDOWN_TIMEOUT": "31536000",
            "HTTP_STREAMING_CORS": "https://a.example, HTTPS://B.example:443",
        ])
        let allowed = try await unset.response(
            to: "GET /health HTTP/1.1\r\nHost: x\r\nOrigin: https://b.example\r\n\r\n")
        #expect(allowed.head.contains("Access-Control-Allow-Origin: https://b.example\r\n"))
        unset.process.terminate()
        #expect(await unset.process.result().status == 0)
        let helped = try await Subprocess.run(
            Subprocess.product("server"), ["--help"], environment: ["HTTP_STREAMING_PORT": "x"], deadline: .seconds(20))
        #expect(helped.status == 0)
    }

    @Test(
        "invalid options are explained",
        arguments: [
            (["--tls-cert", "x"], "--tls-cert and --tls-key must be given together"),
            (["--shutdown-timeout=-1"], "from 0 to 31536000 seconds"),
            (["--shutdown-timeout", "9223372036854775807"], "from 0 to 31536000 seconds"),
            (["--cors", "example.org"], "'example.org' is invalid for '--cors"),
            (["--cors", "https://example.org/"], "'https://example.org/' is invalid for '--cors"),
            (["--cors", "https://me@example.org"], "an origin is a scheme and a host, such as https://example.org"),
            (["--log-format", "xml"], "'xml' is invalid for '--log-format"),
            (["--token", ""], "a token must consist of visible"),
            (["--token", "a b"], "a token must consist of visible"),
            (["--idle-timeout", "x"], "'x' is invalid for '--idle-timeout"),
            (["--max-size", "1GB"], "a size is a number of bytes"),
            (["--max-decoded-size", "1.5G"], "a size is a number of bytes"),
        ])
    func invalid(arguments: [String], message: String) async throws {
        let result = try await Subprocess.run(Subprocess.product("server"), arguments, deadline: .seconds(20))
        #expect(result.status == 64)
        #expect(result.errorOutput.contains(message), "\(result.errorOutput)")
    }

    @Test("the log warns if other machines can reach the server") func reachable() async throws {
        for (arguments, warns) in [
            ([], false), (["--host", "localhost"], false), (["--host", "0.0.0.0"], true),
            (["--host", "0.0.0.0", "--token", "t"], true),
        ] {
            let server = try await ServerProcess.start(arguments)
            _ = try await server.response(to: "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n")
            server.process.terminate()
            let log = await server.process.result().errorOutput
            #expect(log.contains("other machines can reach this server") == warns, "\(log)")
            #expect(log.contains("anyone may write") == (warns && !arguments.contains("t")))
        }
    }
}
