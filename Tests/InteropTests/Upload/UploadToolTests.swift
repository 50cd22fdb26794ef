import Foundation
import TestSupport
import Testing

/// What the upload tool sends to this package's server, what it prints, and its exit status.
@Suite("The upload tool", .timeLimit(.minutes(3)))
struct UploadToolTests {
    private let tool: UploadTool

    init() throws { tool = try UploadTool() }

    @Test("sends files and folders, each in a request, several at a time") func files() async throws {
        let server = try await ServerProcess.start(["--keep-paths"])
        defer { server.process.terminate() }
        try FileManager.default.createDirectory(
            at: URL(filePath: tool.folder.path("photos/summer")), withIntermediateDirectories: true)
        let names = try (0..<20).map { number in
            let name = "photos/\(number % 2 == 0 ? "summer/" : "")ä \(number)"
            _ = try tool.file(name, "content \(number)")
            return name
        }
        let single = try tool.file("single", "alone")
        let result = try await tool.run([tool.folder.path("photos"), single, server.url])
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(result.output.split(separator: "\n").count == 21 && result.output.contains("\(single): 201, "))
        #expect(result.errorOutput.hasPrefix("upload: 21 of 21 requests accepted, "), "\(result.errorOutput)")
        for (number, name) in names.enumerated() {
            #expect(try server.directory.read(name) == Data("content \(number)".utf8))
        }
        #expect(try server.directory.read("single") == Data("alone".utf8))
    }

    @Test("sends standard input and pipes") func streams() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let input = Data(bottles(3_000_000))
        let result = try await tool.run(["-", server.url], input: input)
        #expect(result.status == 0 && result.output.hasPrefix("standard input: 201, "), "\(result.errorOutput)")
        #expect(try server.directory.read("stdin") == input)
        let piped = try await Subprocess.run(
            "bash", ["-c", #""$0" --put <(seq 100000) "$1/numbers""#, Subprocess.product("upload"), server.url])
        #expect(piped.status == 0, "\(piped.errorOutput)")
        #expect(try server.directory.read("numbers") == Data((1...100_000).map { "\($0)\n" }.joined().utf8))
    }

    @Test("--put sends the body itself, to the URL or to one for each file") func put() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let (a, b) = (try tool.file("a ä"), try tool.file("b"))
        let several = try await tool.run(["--put", "-z", a, b, server.url + "/files/"])
        #expect(several.status == 0, "\(several.errorOutput)")
        #expect(try server.directory.contents() == ["a ä", "b"] && server.directory.read("a ä") == Data("hello".utf8))
        let named = try await tool.run(["--put", "--type", "text/x-test", a, server.url + "/named"])
        #expect(named.status == 0 && named.output.contains(", /files/named\n"), "\(named.output)")
        let wrong = try await tool.run(["--put", a, b, server.url + "/named"])
        #expect(wrong.status == 2 && wrong.errorOutput.contains("end it with /"))
    }

    @Test("--together, --field, --name, --type and --header are what the server receives") func form() async throws {
        let bodies = Shared<[[UInt8]]>([])
        let server = try FaultServer { connection in
            while let (head, body) = try connection.readRequest() {
                bodies.append(body)
                try connection.respond(head["x-test"] == "a:b" && head.line == "POST /form HTTP/1.1" ? 200 : 400)
            }
        }
        let (a, b) = (try tool.file("a.txt"), try tool.file("b.txt"))
        let result = try await tool.run(
            [
                "--together", "-F", "title=x=y", "--name", "doc", "--type", "text/x-t", "-H", "X-Test: a:b", a, b,
                server.url + "form",
            ])
        #expect(result.status == 0 && result.output.hasPrefix("2 files: 200, "), "\(result.errorOutput)")
        let body = String(decoding: try #require(bodies.value.first), as: UTF8.self)
        let parts = body.components(separatedBy: "\r\n--")
        try #require(parts.count == 4)
        #expect(parts[0].hasSuffix("form-data; name=\"title\"\r\n\r\nx=y"))
        for (part, name) in zip(parts[1...], ["a.txt", "b.txt"]) {
            #expect(part.contains("form-data; name=\"doc\"; filename=\"\(name)\"\r\nContent-Type: text/x-t\r\n"))
            #expect(part.hasSuffix("\r\n\r\nhello"))
        }
    }

    @Test("a token comes from a file or the environment; its absence is explained") func token() async throws {
        let server = try await ServerProcess.start(environment: ["HTTP_STREAMING_TOKEN": "secret"])
        defer { server.process.terminate() }
        let (file, token) = (try tool.file("a"), try tool.file("token", " secret\n"))
        let without = try await tool.run([file, server.url])
        #expect(without.status == 4 && without.output == "")
        #expect(without.errorOutput.contains("the server wants a token: --token-file or UPLOAD_TOKEN"))
        #expect(try await tool.run(["--token-file", token, file, server.url]).status == 0)
        #expect(
            try await tool.run([file], environment: ["UPLOAD_URL": server.url, "UPLOAD_TOKEN": "secret"]).status == 0)
        let wrong = try await tool.run([file, server.url], environment: ["UPLOAD_TOKEN": "guessed"])
        #expect(wrong.status == 4 && wrong.errorOutput.contains("does not accept these credentials"))
        #expect(!wrong.errorOutput.contains("guessed"))
    }

    @Test("--user takes its password from the environment only") func password() async throws {
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                try connection.respond(head["authorization"] == "Basic bWU6cHc=" ? 200 : 401)
            }
        }
        let file = try tool.file("a")
        #expect(try await tool.run(["-u", "me", file, server.url], environment: ["UPLOAD_PASSWORD": "pw"]).status == 0)
        if Subprocess.find("setsid") != nil {
            // Without a terminal.
            let result = try await Subprocess.run(
                "setsid", ["-w", Subprocess.product("upload"), "-u", "me", file, server.url])
            #expect(result.status == 2 && result.errorOutput.contains("set UPLOAD_PASSWORD"))
        }
        #expect(try await tool.run(["-u", "me:pw", file, server.url]).status == 2)
    }

    /// Runs a command on a terminal of its own, answers its question, and prints whether the terminal showed what was typed.
    private static let onTerminal = """
        import os, pty, signal, sys, termios
        answer, arguments = sys.argv[1], sys.argv[2:]
        reading, writing = os.pipe()
        child, terminal = pty.fork()
        if child == 0:
            os.dup2(reading, 0)
            os.execv(arguments[0], arguments)
        os.write(writing, b"hello")
        os.close(writing)
        shows = lambda: bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
        text = b""
        while b"Password of me: " not in text: text += os.read(terminal, 1000)
        silent = not shows()
        if answer == "SIGTERM": os.kill(child, signal.SIGTERM)
        else: os.write(terminal, answer.encode().decode("unicode_escape").encode())
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(silent, shows(), status)
        """

    @Test(
        "the password is asked for on the terminal, which is as before afterwards",
        .enabled(if: Subprocess.find("python3") != nil),
        arguments: [(#"pw\n"#, 0), (#"\x03"#, 130), ("SIGTERM", 130), (#"\x1apw\n"#, 0)])
    func question(answer: String, status: Int) async throws {
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                try connection.respond(head["authorization"] == "Basic bWU6cHc=" ? 200 : 401)
            }
        }
        let result = try await Subprocess.run(
            "python3",
            ["-c", Self.onTerminal, answer, Subprocess.product("upload"), "-u", "me", "--put", "-", server.url + "a"],
            environment: ["UPLOAD_PASSWORD": ""])
        #expect(result.output == "True True \(status)\n", "\(result.output) \(result.errorOutput)")
    }

    @Test("--compress and -z have a coding of their own, or none") func coding() async throws {
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                try connection.respond(200, fields: "Location: /\(head["content-encoding"] ?? "none")\r\n")
            }
        }
        let file = try tool.file("a", String(repeating: "a", count: 10_000))
        for (options, coding) in [
            (["--compress", "deflate"], "deflate"), (["-z", "gzip:1"], "gzip"), (["-z"], "gzip"), (["-zv"], "gzip"),
            (["--compress"], "gzip"), ([], "none"),
        ] {
            let result = try await tool.run(options + [file, server.url])
            #expect(result.status == 0 && result.output.hasSuffix(", /\(coding)\n"), "\(result)")
        }
    }

    @Test("TLS, HTTP/2 and a missing certificate authority") func tls() async throws {
        let server = try await ServerProcess.start(isSecure: true)
        defer { server.process.terminate() }
        let (file, authority) = (try tool.file("a"), try await Certificates.shared.authority)
        let trusted = try await tool.run(["--cacert", authority, "--http2", file, server.url])
        #expect(trusted.status == 0, "\(trusted.errorOutput)")
        let unknown = try await tool.run([file, server.url])
        #expect(unknown.status == 6 && unknown.errorOutput.contains("--cacert FILE"), "\(unknown.errorOutput)")
        let missing = try await tool.run(["--cacert", "/nonexistent", file, file, server.url])
        #expect(missing.status == 2 && missing.errorOutput.split(separator: "\n").count == 1, "\(missing.errorOutput)")
    }

    @Test("--proxy is where requests are sent, and none ignores the environment") func proxy() async throws {
        let lines = Shared<[String]>([])
        let proxy = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                lines.append(head.line)
                try connection.respond(200)
            }
        }
        let file = try tool.file("a")
        let result = try await tool.run(["--proxy", proxy.url, file, "upload.invalid/x"])
        #expect(result.status == 0 && lines.value == ["POST http://upload.invalid/x HTTP/1.1"], "\(result.errorOutput)")
        let direct = try await tool.run(
            ["--proxy", "none", file, "upload.invalid/x"], environment: ["http_proxy": proxy.url])
        #expect(direct.status == 6 && lines.value.count == 1)
    }

    @Test("--limit-rate is for all requests together") func rate() async throws {
        let server = try await ServerProcess.start(["--discard"])
        defer { server.process.terminate() }
        let files = try (0..<4).map { try tool.folder.write(Data(count: 1 << 20), to: "\($0)") }
        let start = ContinuousClock.now
        let result = try await tool.run(["-j", "4", "--limit-rate", "2M"] + files + [server.url])
        #expect(result.status == 0, "\(result.errorOutput)")
        // Two seconds; half a second if each request had the whole rate.
        #expect(ContinuousClock.now - start > .milliseconds(1500))
    }
}
