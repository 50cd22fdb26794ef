import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite(
    "TLS and HTTP/2, with curl", .timeLimit(.minutes(4)),
    .enabled("SKIPPED: there is no curl with HTTP/2, or no openssl") { await hasTools() })
struct SecureServerTests {
    private func with(
        configure: (inout Receiver.Configuration) -> Void = { _ in },
        storage: ((TemporaryDirectory) throws -> any Storage)? = nil,
        _ body: (RunningServer, _ curl: ([String]) async throws -> Subprocess.Result) async throws -> Void
    ) async throws {
        let certificates = try await Certificates.shared
        try await RunningServer.with(storage: storage) {
            $0.tls = .init(certificate: certificates.certificate("server"), key: certificates.key("server"))
            configure(&$0)
        } _: { server in
            try await body(server) { arguments in
                let url = "https://localhost:\(server.port)"
                return try await Subprocess.run(
                    "curl",
                    ["-sS", "--cacert", certificates.authority] + arguments.map { $0.replacing("URL", with: url) },
                    deadline: .seconds(100))
            }
        }
    }

    @Test("ALPN chooses HTTP/2 or HTTP/1.1") func negotiation() async throws {
        try await with { _, curl in
            for (option, version) in [
                ("--http2", "2"), ("--http1.1", "1.1"), ("--http1.0", "1.1"), ("--no-alpn", "1.1"),
            ] {
                let result = try await curl([option, "-w", " %{http_version}", "URL/echo/hello"])
                #expect(result.output == "hello \(version)", "\(option) \(result.errorOutput)")
            }
        }
    }

    @Test("TLS 1.1 and HTTP without TLS are refused") func refusedProtocols() async throws {
        try await with { server, curl in
            let old = try await curl(["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", "URL/"])
            #expect(old.status == 35, "\(old.errorOutput)")
            let rest = try await server.connected { connection in
                try connection.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return try connection.receiveToClose()
            }
            #expect(!String(decoding: rest, as: UTF8.self).contains("HTTP/"))
            #expect(try await curl(["URL/health"]).status == 0)
        }
    }

    @Test("a connection without a TLS handshake is closed after the idle timeout") func noHandshake() async throws {
        try await with(configure: { $0.connections.idle = .milliseconds(300) }) { server, _ in
            let rest = try await server.connected { connection in try connection.receiveToEnd() }
            #expect(rest.isEmpty)
            try await server.connected { connection in
                try connection.send([0x16, 0x03, 0x01])
                #expect(connection.isClosedByPeer())
            }
        }
    }

    @Test("an idle HTTP/2 connection is closed") func idle() async throws {
        try await with(configure: {
            $0.connections.idle = .seconds(2)
            $0.connections.lingering.duration = .milliseconds(300)
        }) { server, curl in
            // Not counting the connection that asks.
            func waitForOthers(_ count: Int) async throws {
                let arrived = try await eventually {
                    let metrics = try await curl(["--http1.1", "-H", "Connection: close", "URL/metrics"]).output
                    return metrics.contains("connections_open \(count + 1)\n")
                }
                #expect(arrived, "there are not \(count) other connections")
            }
            let silent = try Subprocess(
                "sh", ["-c", "sleep 30 | exec openssl s_client -connect localhost:\(server.port) -alpn h2 -quiet"],
                deadline: .seconds(40))
            defer { silent.terminate(SIGKILL) }
            try await waitForOthers(1)
            try await waitForOthers(0)
            // One request every six seconds, on the connection of the previous one if that is open.
            let format = "%{http_version} %{num_connects}\n"
            for (rate, connects) in [("10/m", 1), ("600/m", 0)] {
                let result = try await curl([
                    "--http2", "--rate", rate, "-o", "/dev/null", "-o", "/dev/null", "-w", format, "URL/echo/a",
                    "URL/echo/b",
                ])
                #expect(result.output == "2 1\n2 \(connects)\n", "\(result.errorOutput)")
            }
        }
    }

    @Test("files are uploaded and downloaded unchanged", arguments: ["--http2", "--http1.1"])
    func roundTrip(version: String) async throws {
        try await with { server, curl in
            var generator = SeededGenerator(case: 1)
            let content = (0..<(1 << 20)).flatMap { _ in withUnsafeBytes(of: generator.next(), Array.init) }
            let files = try TemporaryDirectory()
            let path = try files.write(content, to: "a b.bin")
            let form = try await curl([version, "-F", "f=@\(path)", "URL/"])
            #expect(form.output.contains("\"saved_as\":\"a b.bin\""), "\(form.errorOutput)")
            // Without a known length.
            let put = try await curl(
                [version, "-T", path, "-H", "x-filename: b"] + Self.withoutLength(version) + ["URL/"])
            #expect(put.output.contains("\"saved_as\":\"b\""), "\(put.errorOutput)")
            #expect(try server.directory.read("a b.bin") == Data(content))
            #expect(try server.directory.read("b") == Data(content))
            let coded = try await curl([version, "--compressed", "URL/files/a%20b.bin"])
            #expect(coded.standardOutput == Data(content))
            let range = try await curl([version, "-r", "1000-1999", "URL/files/b"])
            #expect(range.standardOutput == Data(content[1000..<2000]))
            #expect(try await curl([version, "-I", "-w", "%{http_code}", "URL/files/b"]).output.hasSuffix("200"))
        }
    }

    @Test("50 streams share one connection") func parallelStreams() async throws {
        try await with { server, curl in
            let files = try TemporaryDirectory()
            var arguments = [
                "--http2", "--parallel", "--parallel-max", "50", "-w", "%{http_code} %{http_version} %{num_connects}\n",
            ]
            for number in 0..<50 {
                let path = try files.write([UInt8](repeating: UInt8(number), count: 200_000), to: "\(number)")
                arguments += ["-o", "/dev/null", "-T", path, "URL/\(number)"]
            }
            let result = try await curl(arguments)
            let lines = result.output.split(separator: "\n").map { $0.split(separator: " ") }
            #expect(lines.count == 50, "\(result.errorOutput)")
            #expect(lines.allSatisfy { $0[0] == "201" && $0[1] == "2" })
            #expect(lines.reduce(0) { $0 + (Int($1[2]) ?? 0) } == 1)
            #expect(try server.directory.contents().count == 50)
            for number in 0..<50 {
                #expect(try server.directory.read("\(number)") == Data(repeating: UInt8(number), count: 200_000))
            }
        }
    }

    @Test(
        "a client that goes on sending gets the refusal, before the body and within it",
        arguments: ["--http2", "--http1.1"])
    func earlyRefusal(version: String) async throws {
        try await with(configure: { $0.maximumBodySize = 30 << 20 }) { server, curl in
            let files = try TemporaryDirectory()
            let path = try files.write([], to: "large")
            truncate(path, 60 << 20)
            for fields in [
                ["-H", "Expect:"], ["-H", "Expect: 100-continue"], ["-H", "Expect:"] + Self.withoutLength(version),
            ] {
                let result = try await curl([version, "-T", path, "-w", "%{http_code}"] + fields + ["URL/x"])
                #expect(result.output.hasSuffix("413"), "\(fields) \(result.errorOutput)")
                #expect(result.output.contains("\"error\""))
            }
            #expect(try await server.contentsWhenSettled().isEmpty)
        }
    }

    /// Makes curl send a file without its length.
    private static func withoutLength(_ version: String) -> [String] {
        ["-H", version == "--http2" ? "Content-Length:" : "Transfer-Encoding: chunked"]
    }

    @Test("an accepted upload gets a 100") func continues() async throws {
        try await with { server, curl in
            let files = try TemporaryDirectory()
            let path = try files.write([1, 2, 3], to: "f")
            let result = try await curl(["-v", "--http2", "-T", path, "-H", "Expect: 100-continue", "URL/f"])
            #expect(result.errorOutput.contains("< HTTP/2 100"), "\(result.errorOutput)")
            #expect(result.errorOutput.contains("< HTTP/2 201"))
            #expect(try server.directory.contents() == ["f"])
        }
    }

    @Test(
        "an upload whose stream or connection ends early leaves no file, even without a known length",
        arguments: [true, false])
    func cutOff(isSlow: Bool) async throws {
        try await with { server, curl in
            let files = try TemporaryDirectory()
            let path = try files.write([UInt8](repeating: 7, count: 20 << 20), to: "f")
            let result = try await curl([
                "--http2", "-T", path, "-H", "Content-Length:", "--limit-rate", "4M", "--max-time",
                isSlow ? "1.5" : "0.4", "URL/cut",
            ])
            #expect(result.status == 28)
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await server.contentsWhenSettled().isEmpty)
            #expect(try await curl(["URL/health"]).status == 0)
        }
    }

    @Test("a storage that accepts nothing stops the sender") func backPressure() async throws {
        try await with(storage: { _ in SlowStorage(delay: .seconds(30)) }) { _, curl in
            let files = try TemporaryDirectory()
            let path = try files.write([UInt8](repeating: 7, count: 64 << 20), to: "f")
            let result = try await curl(["--http2", "-T", path, "--max-time", "3", "-w", "%{size_upload}", "URL/x"])
            #expect(result.status == 28)
            // Flow-control windows and buffers.
            #expect(try #require(Int(result.output)) < 16 << 20)
        }
    }

    @Test("the echo of a line arrives before the next line is sent", arguments: ["--http2", "--http1.1"])
    func echo(version: String) async throws {
        try await with { server, _ in
            let authority = try await Certificates.shared.authority
            let result = try await sendLineByLine(
                through: [
                    "curl", "-sSN", "--cacert", authority, version, "-X", "POST", "-T", ".",
                    "https://localhost:\(server.port)/echo",
                ], lines: ["one", "two", "three"])
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(result.output == "one\ntwo\nthree\n")
        }
    }

    @Test("an error about a certificate or key names the file") func invalidFiles() async throws {
        let certificates = try await Certificates.shared
        let directory = try TemporaryDirectory()
        let text = try directory.write("no certificate".utf8, to: "text.pem")
        for (certificate, key, reason) in [
            (text, certificates.key("server"), "cannot read a certificate from \(text)"),
            ("/none", certificates.key("server"), "cannot read a certificate from /none"),
            (certificates.certificate("server"), text, "cannot read a private key from \(text)"),
            (certificates.certificate("server"), certificates.key("client"), "does not belong to the certificate"),
        ] {
            let files = Receiver.TLSFiles(certificate: certificate, key: key)
            let error = #expect(throws: TLSFileError.self) { try files.context() }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
        }
    }
}

private func hasTools() async -> Bool {
    guard Subprocess.find("openssl") != nil, Subprocess.find("curl") != nil else { return false }
    return (try? await Subprocess.run("curl", ["--version"]))?.output.contains("HTTP2") ?? false
}
