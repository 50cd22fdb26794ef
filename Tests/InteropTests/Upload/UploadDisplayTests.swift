import Foundation
import TestSupport
import Testing

/// What the upload tool shows, and what becomes of it after Ctrl-C.
@Suite("The upload tool, display", .timeLimit(.minutes(3)))
struct UploadDisplayTests {
    private let tool: UploadTool

    init() throws { tool = try UploadTool() }

    private func objects(_ output: String) throws -> [[String: Any]] {
        try output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("--dry-run prints the plan and sends nothing") func dryRun() async throws {
        let result = try await tool.run(["-n", "--put", try tool.file("a b"), "-", "127.0.0.1:1/x"])
        #expect(result.status == 2)
        let file = try tool.file("a b")
        let plan = try await tool.run(["-n", "--put", file, "127.0.0.1:1"])
        #expect(plan.status == 0 && plan.output == "PUT http://127.0.0.1:1/a%20b\n  \(file) as a b, 5 B\n")
        let form = try await tool.run(["-n", "-", "127.0.0.1:1"])
        #expect(form.output == "POST http://127.0.0.1:1\n  - as stdin, unknown size\n")
        let missing = try await tool.run(["-n", "--json", file, "/nonexistent", "127.0.0.1:1/?a"])
        #expect(missing.status == 3 && missing.errorOutput == "upload: /nonexistent: No such file or directory\n")
        let lines = try objects(missing.output)
        try #require(lines.count == 2)
        let planned = try #require(lines[0]["files"] as? [[String: Any]])
        #expect(planned[0]["name"] as? String == "a b" && planned[0]["size"] as? Int == 5)
        #expect(lines[1]["method"] as? String == "POST" && lines[1]["url"] as? String == "http://127.0.0.1:1/?a")
    }

    @Test("files are sent although nobody reads the results any more") func brokenPipe() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let files = try (0..<30).map { try tool.file("\($0)") }
        let result = try await Subprocess.run(
            "bash",
            ["-c", #""$@" 2>&1 | head -n 1; echo "status ${PIPESTATUS[0]}""#, "bash", Subprocess.product("upload")]
                + ["--json", "-j", "1"] + files + [server.url])
        #expect(result.output.hasSuffix("\nstatus 0\n"), "\(result.output)")
        #expect(try server.directory.contents().count == 30)
    }

    @Test("--json prints a line for each result, also of failures, and a summary") func json() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let result = try await tool.run(["--json", "-j", "1", try tool.file("a"), "/nonexistent", server.url])
        let lines = try objects(result.output)
        try #require(lines.count == 3)
        #expect(lines[0]["accepted"] as? Bool == true && lines[0]["status"] as? Int == 201)
        #expect(lines[1]["exit_status"] as? Int == 3 && lines[1]["files"] as? [String] == ["/nonexistent"])
        #expect((lines[1]["error"] as? String)?.contains("No such file") == true)
        #expect(lines[2]["type"] as? String == "summary" && lines[2]["failed"] as? Int == 1)
        #expect(lines[2]["exit_status"] as? Int == 3 && result.status == 3)
    }

    @Test("--quiet shows errors only, --verbose the answers as well") func loudness() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let file = try tool.file("a")
        let quiet = try await tool.run(["-q", file, "/nonexistent", server.url])
        #expect(quiet.output == "" && quiet.errorOutput.split(separator: "\n").count == 1, "\(quiet.errorOutput)")
        let verbose = try await tool.run(["-v", file, server.url])
        #expect(verbose.errorOutput.contains(#"upload: < {"bytes":5,"#), "\(verbose.errorOutput)")
        #expect(verbose.errorOutput.contains("HTTP/1.1 to 127.0.0.1 port"), "\(verbose.errorOutput)")
    }

    @Test("retries are shown with cause and number") func retries() async throws {
        let count = Shared(0)
        let server = try FaultServer { connection in
            while try connection.readRequest() != nil {
                count.update { $0 += 1 }
                try connection.respond(count.value == 1 ? 503 : 200)
            }
        }
        let result = try await tool.run(["--put", try tool.file("a"), server.url + "a"])
        #expect(
            result.status == 0 && result.errorOutput.contains("a: status 503; attempt 2 of 3 in "),
            "\(result.errorOutput)")
        // A form is repeated only on request.
        count.set(0)
        #expect(try await tool.run([try tool.file("a"), server.url]).status == 5)
        count.set(0)
        #expect(try await tool.run(["--retry-all", try tool.file("a"), server.url]).status == 0)
    }

    @Test("each redirect is shown once, without what may be secret") func redirects() async throws {
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                let path = head.line.split(separator: " ")[1]
                let locations = ["/a": "b?secret#part", "/b?secret": "//user:secret@\(head["host"] ?? "")/c"]
                let field = locations[String(path)].map { "Location: \($0)\r\n" }
                try connection.respond(field == nil ? 201 : 307, fields: field ?? "")
            }
        }
        let file = try tool.file("a")
        let url = server.url.replacingOccurrences(of: "//", with: "//user:secret@") + "a"
        let arguments = ["--put", "--json", file, url]
        let result = try await tool.run(arguments)
        #expect(result.status == 0)
        let lines = ["b", "c"].map { "upload: \(file): status 307; redirected to \(server.url)\($0)\n" }
        #expect(result.errorOutput == lines.joined())
        #expect(try objects(result.output)[0]["url"] as? String == server.url + "a")
        let quiet = try await tool.run(["-q"] + arguments)
        #expect(quiet.status == 0 && quiet.errorOutput == "")
        // One that is not followed.
        let form = try await tool.run(["--json", file, server.url + "b?secret"])
        #expect(form.status == 0)
        let other = try FaultServer { connection in
            while try connection.readRequest() != nil { try connection.respond(302, fields: "Location: /c?secret\r\n") }
        }
        let refused = try await tool.run(["--json", file, other.url])
        #expect(refused.status == 4 && !(refused.output + refused.errorOutput).contains("secret"), "\(refused.output)")
        #expect(try objects(refused.output)[0]["location"] as? String == "/c")
        let plan = try await tool.run(["-n", "--put", file, url])
        #expect(plan.output.hasPrefix("PUT \(server.url)a\n"))
    }

    /// Reads bodies slowly enough that progress is shown.
    private func slowServer() async throws -> ServerProcess { try await ServerProcess.start(["--discard"]) }

    @Test("bars on a terminal, none of them left at the end") func bars() async throws {
        let server = try await slowServer()
        defer { server.process.terminate() }
        let file = try tool.folder.write(Data(count: 3 << 20), to: "big")
        let arguments = ["--limit-rate", "1M", file, server.url]
        let result = try await tool.run(arguments, environment: ["TERM": "xterm"], isOnTerminal: true)
        #expect(result.status == 0)
        #expect(!result.output.contains("0 of 1 ") && result.output.contains("#") && result.output.contains("B/s "))
        #expect(result.output.contains("\u{1B}[32m"))
        // The last thing is the result, with the bars before it erased.
        let last = try #require(result.output.components(separatedBy: "\u{1B}[J").last)
        #expect(last.hasPrefix("\(file): 201, ") && last.filter { $0 == "\n" }.count == 1, "\(last)")
        let plain = try await tool.run(
            arguments, environment: ["TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"], isOnTerminal: true)
        #expect(plain.output.contains("#") && !plain.output.contains("\u{1B}[3"))
        for piece in plain.output.components(separatedBy: "\u{1B}[J").dropLast() {
            for line in piece.split(separator: "\n") where line.contains("#") { #expect(line.count == 99) }
        }
        let quiet = try await tool.run(["-q"] + arguments, isOnTerminal: true)
        #expect(quiet.output == "")
    }

    @Test("bars stay below the results of several requests") func several() async throws {
        let server = try await slowServer()
        defer { server.process.terminate() }
        let files = try (0..<4).map { try tool.folder.write(Data(count: 200 << 10), to: "\($0)") }
        let result = try await tool.run(
            ["-j", "1", "--limit-rate", "512K"] + files + [server.url], environment: ["TERM": "xterm"],
            isOnTerminal: true)
        #expect(result.status == 0)
        // What follows each result: the bars again, without waiting, except after the last one.
        let pieces = result.output.components(separatedBy: ": 201, ").map { $0.drop { $0 != "\n" }.dropFirst() }
        try #require(pieces.count == 5)
        for (index, piece) in pieces.enumerated() where (1...3).contains(index) {
            #expect(piece.hasPrefix("\(index) of 4 "), "\(piece)")
        }
        #expect(pieces[4].hasPrefix("upload: 4 of 4 requests accepted"), "\(pieces[4])")
    }

    @Test("a plain line every ten seconds without a terminal") func plain() async throws {
        let server = try await slowServer()
        defer { server.process.terminate() }
        let file = try tool.folder.write(Data(count: 12 << 20), to: "big")
        let result = try await tool.run(["--limit-rate", "1M", file, server.url])
        #expect(result.status == 0)
        let lines = result.errorOutput.split(separator: "\n")
        #expect(lines.first?.contains(" of 13 MB (") == true && lines.first?.hasSuffix(" left") == true, "\(lines)")
    }

    @Test("Ctrl-C stops with a summary, and the server keeps nothing", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let (small, big) = (try tool.file("small"), try tool.folder.write(Data(count: 100 << 20), to: "big"))
        let process = try tool.start(["-j", "1", "--limit-rate", "1M", small, big, big, server.url])
        #expect(try await process.firstLine().hasPrefix("\(small): 201"))
        process.terminate(signal)
        let result = await process.result()
        #expect(result.status == 130)
        #expect(result.errorOutput.contains("upload: 1 of 3 requests accepted, 2 not sent, "), "\(result.errorOutput)")
        #expect(try await eventually { try server.directory.contents() == ["small"] })
    }

    @Test("a second Ctrl-C ends the process at once, even while nobody reads its output")
    func interruptedTwice() async throws {
        let answered = Shared(false)
        let server = try FaultServer { connection in
            _ = try connection.readRequest()
            try connection.respond(200, String(repeating: "x", count: 1 << 20))
            answered.set(true)
            _ = try connection.readHead()
        }
        // The answer does not fit into the pipe, so the result cannot be written.
        let process = try Subprocess(
            "bash",
            [
                "-c", #"exec "$@" > >(exec sleep 60 >/dev/null 2>&1)"#, "bash", Subprocess.product("upload"), "--json",
                "-v", try tool.file("a"), server.url,
            ])
        #expect(try await eventually { answered.value && process.errorOutputSoFar.contains("upload: < x") })
        #expect(
            try await eventually {
                process.terminate(SIGINT)
                return process.hasExited
            })
        #expect(await process.result().status == 130)
    }
}
