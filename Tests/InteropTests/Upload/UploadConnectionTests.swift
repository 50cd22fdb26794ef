import Foundation
import TestSupport
import Testing

/// How the upload tool reaches servers: TLS, client certificates, proxies, HTTP/2, Unix sockets and passwords, with nginx,
/// Go, tinyproxy and this package's server.
@Suite("The upload tool, connections", .timeLimit(.minutes(3)))
struct UploadConnectionTests {
    private let tool: UploadTool

    init() throws { tool = try UploadTool() }

    private static func require(_ programs: String...) throws {
        for program in programs where Daemon.find(program) == nil {
            print("UploadConnectionTests: SKIPPED: there is no \(program)")
            try Test.cancel("skipped: there is no \(program)")
        }
    }

    /// nginx in front of this package's server.
    ///
    /// - Parameters:
    ///   - listen: the parameters of its port: `ssl`; nil for the Unix socket `socket` in its folder.
    ///   - text: what else is within `server { }`.
    private func nginx(_ listen: String?, _ text: String = "") async throws -> (daemon: Daemon, server: ServerProcess) {
        try Self.require("nginx")
        let server = try await ServerProcess.start()
        let port = listen == nil ? 0 : try LoopbackPort.free()
        let certificates = try await Certificates.shared
        let daemon = try await Daemon.nginx(
            port: port,
            """
            server {
                listen \(listen.map { "127.0.0.1:\(port) \($0)" } ?? "unix:DIRECTORY/socket");
                ssl_certificate \(certificates.certificate("server"));
                ssl_certificate_key \(certificates.key("server"));
                client_max_body_size 0;
                location / { proxy_pass \(server.url); }
                \(text)
            }
            """)
        return (daemon, server)
    }

    @Test("--insecure accepts any certificate, with a warning; without it none but a trusted one is accepted")
    func insecure() async throws {
        let file = try tool.file("a")
        let certificates = try await Certificates.shared
        for name in ["self-signed", "elsewhere", "expired"] {
            let server = try await ServerProcess.start([
                "--tls-cert", certificates.certificate(name), "--tls-key", certificates.key(name),
            ])
            defer { server.process.terminate() }
            let refused = try await tool.run([file, server.url])
            #expect(refused.status == 6 && !refused.errorOutput.contains("insecure"), "\(refused.errorOutput)")
            let accepted = try await tool.run(["-q", "--insecure", file, server.url])
            #expect(accepted.status == 0, "\(accepted.errorOutput)")
            #expect(
                accepted.errorOutput.hasPrefix("upload: warning: --insecure: certificates are not verified;")
                    && accepted.errorOutput.split(separator: "\n").count == 1, "\(accepted.errorOutput)")
            #expect(try server.directory.read("a") == Data("hello".utf8))
        }
        let both = try await tool.run(["--insecure", "--cacert", certificates.authority, file, "https://h"])
        #expect(both.status == 2 && both.errorOutput.contains("exclude each other"), "\(both.errorOutput)")
    }

    @Test("--cert and --key identify the client, also with an encrypted key") func clientCertificate() async throws {
        let certificates = try await Certificates.shared
        let (nginx, server) = try await nginx(
            "ssl", "ssl_client_certificate \(certificates.authority); ssl_verify_client on;")
        defer { server.process.terminate() }
        let (file, url) = (try tool.file("a"), "https://127.0.0.1:\(nginx.port)/")
        let trust = ["--cacert", certificates.authority]
        let without = try await tool.run(trust + [file, url])
        #expect(without.status == 4 && without.errorOutput.contains("answered 400"), "\(without.errorOutput)")
        let identity = trust + ["--cert", certificates.certificate("client"), "--key"]
        let plain = try await tool.run(identity + [certificates.key("client"), file, url])
        #expect(plain.status == 0, "\(plain.errorOutput)")
        let encrypted = identity + [certificates.key("client-encrypted"), file, url]
        let unlocked = try await tool.run(encrypted, environment: ["UPLOAD_KEY_PASSWORD": certificates.password])
        #expect(unlocked.status == 0, "\(unlocked.errorOutput)")
        let locked = try await tool.run(encrypted)
        #expect(locked.status == 6 && !locked.errorOutput.contains(certificates.password), "\(locked.errorOutput)")
        // Certificate and key in one file need no --key.
        let pair = try ["client.pem", "client.key"].map { name in
            try Data(
                contentsOf: URL(filePath: certificates.certificate("client")).deletingLastPathComponent().appending(
                    path: name))
        }
        let joined = try tool.folder.write(pair[0] + pair[1], to: "both.pem")
        let single = try await tool.run(trust + ["--cert", joined, file, url])
        #expect(single.status == 0, "\(single.errorOutput)")
        #expect(try server.directory.contents() == ["a", "a (1)", "a (2)"])
    }

    @Test("--unix-socket connects to a socket instead of the host in the URL") func unixSocket() async throws {
        let (nginx, server) = try await nginx(nil)
        defer { server.process.terminate() }
        let socket = nginx.directory.path("socket")
        let result = try await tool.run(["-v", "--unix-socket", socket, try tool.file("a"), "upload.invalid"])
        #expect(
            result.status == 0 && result.errorOutput.contains("HTTP/1.1 to a Unix socket, "), "\(result.errorOutput)")
        #expect(try server.directory.contents() == ["a"])
        let missing = try await tool.run(["--unix-socket", socket + "-", try tool.file("a"), "upload.invalid"])
        #expect(missing.status == 6, "\(missing.errorOutput)")
    }

    @Test("--proxy is used with CONNECT for https URLs, with a password") func proxy() async throws {
        try Self.require("tinyproxy")
        let proxy = try await Daemon.tinyproxy("BasicAuth user s3cret")
        let server = try await ServerProcess.start(isSecure: true)
        defer { server.process.terminate() }
        let arguments = ["--cacert", try await Certificates.shared.authority, "--proxy"]
        let (file, url) = (try tool.file("a"), server.url)
        let result = try await tool.run(arguments + ["http://user:s3cret@127.0.0.1:\(proxy.port)", file, url])
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(try String(decoding: proxy.directory.read("log"), as: UTF8.self).contains("CONNECT 127.0.0.1"))
        let refused = try await tool.run(arguments + ["http://user:wr0ng@127.0.0.1:\(proxy.port)", file, url])
        #expect(refused.status == 6 && !refused.errorOutput.contains("wr0ng"), "\(refused.errorOutput)")
        #expect(try server.directory.contents() == ["a"])
    }

    @Test("--http2 is negotiated with https, and used at once with http") func http2() async throws {
        let (nginx, server) = try await nginx("ssl http2")
        defer { server.process.terminate() }
        let (file, authority) = (try tool.file("a"), try await Certificates.shared.authority)
        let url = "https://127.0.0.1:\(nginx.port)/"
        let negotiated = try await tool.run(["-v", "--http2", "--cacert", authority, file, url])
        #expect(negotiated.status == 0 && negotiated.errorOutput.contains(": HTTP/2 to "), "\(negotiated.errorOutput)")
        #expect(try server.directory.contents() == ["a"])
        guard Subprocess.find("go") != nil, try await GoPeer.shared.hasH2C else {
            print("UploadConnectionTests: SKIPPED: HTTP/2 without TLS, for which there is no Go or no golang.org/x/net")
            return
        }
        let peer = try await Peer.go.start()
        let direct = try await tool.run(["-v", "--http2", file, peer.url])
        #expect(direct.status == 0 && direct.errorOutput.contains(": HTTP/2 to "), "\(direct.errorOutput)")
        _ = peer.process
    }

    @Test("--user signs in at nginx") func user() async throws {
        let (nginx, server) = try await nginx("", "auth_basic x; auth_basic_user_file DIRECTORY/users;")
        defer { server.process.terminate() }
        try nginx.directory.write("me:{PLAIN}pw\n".utf8, to: "users")
        let arguments = ["-u", "me", try tool.file("a"), "127.0.0.1:\(nginx.port)"]
        let result = try await tool.run(arguments, environment: ["UPLOAD_PASSWORD": "pw"])
        #expect(result.status == 0, "\(result.errorOutput)")
        let wrong = try await tool.run(arguments, environment: ["UPLOAD_PASSWORD": "wr0ng"])
        #expect(wrong.status == 4 && wrong.errorOutput.contains("does not accept these credentials"))
        #expect(!wrong.errorOutput.contains("wr0ng"))
        #expect(try server.directory.contents() == ["a"])
    }

    #if os(Linux)
    @Test("--user asks for the password on a terminal, which does not show it; Ctrl-C ends the process")
    func passwordPrompt() async throws {
        try Self.require("script")
        let (nginx, server) = try await nginx("", "auth_basic x; auth_basic_user_file DIRECTORY/users;")
        defer { server.process.terminate() }
        try nginx.directory.write("me:{PLAIN}pw\n".utf8, to: "users")
        // script(1) has a terminal for the tool, and writes what that shows to a file. The answer is typed after the question.
        let type = #"""
            cd -- "$1" && rm -f shown && touch shown && { until grep -q Password shown; do sleep 0.05; done; printf "$2"; } |
            script -qfec "'$3' -u me '$4' '$5'" shown
            """#
        for (answer, status) in [("pw\\n", 0), ("wrong\\n", 4), ("half\\003", 130)] {
            let result = try await Subprocess.run(
                "bash",
                [
                    "-c", type, "bash", tool.folder.path, answer, Subprocess.product("upload"), try tool.file("a"),
                    "127.0.0.1:\(nginx.port)",
                ], environment: ["UPLOAD_PASSWORD": "", "UPLOAD_TOKEN": ""])
            #expect(result.status == status, "\(result.output)")
            #expect(result.output.hasPrefix("Password of me: \r\n"), "\(result.output)")
        }
        #expect(try server.directory.contents() == ["a"])
    }
    #endif

    @Test("https to a port without TLS, and http to one with TLS, are explained") func plainServer() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let trust = ["--cacert", try await Certificates.shared.authority]
        let result = try await tool.run(trust + [try tool.file("a"), "https://127.0.0.1:\(server.port)"])
        #expect(result.status == 6 && result.errorOutput.contains("does not speak TLS on this port"))
        #expect(!result.errorOutput.contains("--cacert"), "\(result.errorOutput)")
        let secure = try await ServerProcess.start(isSecure: true)
        defer { secure.process.terminate() }
        let other = try await tool.run([try tool.file("a"), "http://127.0.0.1:\(secure.port)"])
        #expect(
            other.status == 6 && other.errorOutput.contains("whether the server wants https"), "\(other.errorOutput)")
    }
}
