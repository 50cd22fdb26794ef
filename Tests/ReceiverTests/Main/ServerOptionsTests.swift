import Foundation
import TestSupport
import Testing

/// What the `server` program is told, on its command line and in its environment.
@Suite(.timeLimit(.minutes(4)), .serialized) struct ServerOptionsTests {
    @Test func everyOptionIsAVariableToo() async throws {
        let help = try await Subprocess.run(Subprocess.product("server"), ["--help"]).output
        let options = help.matches(of: /(?m)^  (--[a-z-]+)/).map { String($0.1) }
        #expect(options.count >= 16)
        for option in options {
            let name = "HTTP_STREAMING_" + option.dropFirst(2).uppercased().replacing("-", with: "_")
            #expect(help.contains("  \(name)\n"), "\(name)")
        }
        // A value that begins with a hyphen, and one that the command line overrules.
        let server = try await ServerProcess.start(
            ["--log-level", "info"],
            environment: [
                "HTTP_STREAMING_TOKEN": "-a", "HTTP_STREAMING_LOG_LEVEL": "nonsense", "HTTP_STREAMING_PORT": "1",
                "HTTP_STREAMING_MAX_SIZE": "1K", "HTTP_STREAMING_DISCARD": "true",
            ])
        let statuses = try await server.connected { connection in
            try [("", 10), ("Authorization: Bearer -a\r\n", 10), ("Authorization: Bearer -a\r\n", 1025)].map {
                field, size in
                // In one piece: an answer that comes before the body would be the connection's last.
                let body = size == 10 ? String(repeating: "x", count: size) : ""
                try connection.send("PUT /x HTTP/1.1\r\nHost: x\r\n\(field)Content-Length: \(size)\r\n\r\n\(body)")
                return try connection.receiveResponse().status
            }
        }
        #expect(statuses == [401, 201, 413])
        #expect(try server.directory.contents().isEmpty)
        server.process.terminate()
        // Each is looked at: what no option can be stops the server from starting, and is named.
        for option in options where option != "--help" {
            let name = "HTTP_STREAMING_" + option.dropFirst(2).uppercased().replacing("-", with: "_")
            let invalid = try await Subprocess.run(
                Subprocess.product("server"), environment: [name: "/dev/null/not valid"], deadline: .seconds(20))
            #expect(invalid.status > 0, "\(name)")
            #expect(
                invalid.errorOutput.contains(name) || invalid.errorOutput.contains("/dev/null/not valid"),
                "\(name): \(invalid.errorOutput)")
        }
        // A token that turns out to be none does not open the server; other empty variables are none.
        let open = try await Subprocess.run(
            Subprocess.product("server"), environment: ["HTTP_STREAMING_TOKEN": ""], deadline: .seconds(20))
        #expect(open.status == 64)
        #expect(open.errorOutput.contains("HTTP_STREAMING_TOKEN"))
        let unset = try await ServerProcess.start(environment: [
            "HTTP_STREAMING_MAX_SIZE": "", "HTTP_STREAMING_DISCARD": "off", "HTTP_STREAMING_GRACE": "31536000",
            "HTTP_STREAMING_CORS": "https://a.example, HTTPS://B.example:443",
        ])
        let isTold = try await unset.connected { connection in
            try connection.send("GET /health HTTP/1.1\r\nHost: x\r\nOrigin: https://b.example\r\n\r\n")
            return try connection.receiveResponse().head.contains("Access-Control-Allow-Origin: https://b.example\r\n")
        }
        #expect(isTold)
        unset.process.terminate()
        #expect(await unset.process.result().status == 0)
        let helped = try await Subprocess.run(
            Subprocess.product("server"), ["--help"], environment: ["HTTP_STREAMING_PORT": "x"], deadline: .seconds(20))
        #expect(helped.status == 0)
    }

    @Test(arguments: [
        (["--tls-cert", "x"], "--tls-cert and --tls-key go together"),
        (["--grace=-1"], "from 0 to 31536000 seconds"),
        (["--grace", "9223372036854775807"], "from 0 to 31536000 seconds"),
        (["--cors", "example.org"], "'example.org' is invalid for '--cors"),
        (["--cors", "https://example.org/"], "'https://example.org/' is invalid for '--cors"),
        (["--cors", "https://me@example.org"], "an origin is a scheme and a host, https://example.org"),
        (["--log-format", "xml"], "'xml' is invalid for '--log-format"), (["--token", ""], "a token is of visible"),
        (["--token", "a b"], "a token is of visible"), (["--idle-timeout", "x"], "'x' is invalid for '--idle-timeout"),
        (["--max-size", "1GB"], "a size is a number of bytes"),
        (["--max-inflated", "1.5G"], "a size is a number of bytes"),
    ])
    func optionsThatCannotBeAreExplained(arguments: [String], message: String) async throws {
        let result = try await Subprocess.run(Subprocess.product("server"), arguments, deadline: .seconds(20))
        #expect(result.status == 64)
        #expect(result.errorOutput.contains(message), "\(result.errorOutput)")
    }

    @Test func whoCanReachItIsSaid() async throws {
        for (arguments, isSaid) in [
            ([], false), (["--host", "localhost"], false), (["--host", "0.0.0.0"], true),
            (["--host", "0.0.0.0", "--token", "t"], true),
        ] {
            let server = try await ServerProcess.start(arguments)
            _ = try await server.connected { connection in
                try connection.send("GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n")
                return try connection.receiveResponse()
            }
            server.process.terminate()
            let log = await server.process.result().errorOutput
            #expect(log.contains("this can be reached from other machines") == isSaid, "\(log)")
            #expect(log.contains("anyone may write") == (isSaid && !arguments.contains("t")))
        }
    }
}
