import Foundation
import TestSupport
import Testing

/// `upload --resume`: the same command again sends only what is missing; and `--verify`.
@Suite("The upload tool, resumption", .timeLimit(.minutes(4)))
struct UploadResumeTests {
    private let tool: UploadTool

    init() throws { tool = try UploadTool() }

    /// The names of the files in the folder of the only record; empty if there is none.
    private func record() throws -> [String] {
        let names = FileManager.default.enumerator(atPath: tool.folder.path("state/upload"))?.allObjects as? [String]
        return (names ?? []).filter { $0.contains("/") }.map { String($0.drop { $0 != "/" }.dropFirst()) }.sorted()
    }

    @Test("killed within a file, the same command sends its rest, and no file twice", arguments: [[], ["--verify"]])
    func killed(options: [String]) async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let content = Data(bottles(24 << 20))
        let files = [try tool.file("first"), try tool.folder.write(content, to: "big"), try tool.file("empty", "")]
        let arguments = ["--resume", "-v", "-j", "1"] + options + files + [server.url]
        let killed = try tool.start(["--limit-rate", "1M"] + arguments)
        #expect(try await killed.firstLine().contains("first: 201"))
        // Some of it first.
        let hasSent = try await eventually {
            let hidden = try FileManager.default.subpathsOfDirectory(atPath: server.directory.path)
            return try hidden.contains { name in
                let path = server.directory.path(name)
                let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
                return size > 1 << 20
            }
        }
        #expect(hasSent, "\(killed.errorOutputSoFar)")
        killed.terminate(SIGKILL)
        _ = await killed.result()
        let kept = try record()
        #expect(kept.count == 3 && kept.contains { $0.hasSuffix(".accepted") }, "\(kept)")

        let result = try await tool.run(arguments)
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(result.output.contains("first: was sent before"), "\(result.output)")
        #expect(
            result.errorOutput.contains("big: HTTP/1.1 to") && result.errorOutput.contains(", 1 resumption\n"),
            "\(result.errorOutput)")
        #expect(result.output.contains(", continued after "), "\(result.output)")
        #expect(try server.directory.read("big") == content)
        #expect(try server.directory.contents().filter { !$0.hasPrefix(".") } == ["big", "empty", "first"])
        #expect(options.isEmpty || result.output.contains(", verified"), "\(result.output)")
        // All is sent: the next command begins anew.
        #expect(try record() == [])
        let again = try await tool.run(arguments)
        #expect(again.status == 0 && !again.output.contains("was sent before"))
    }

    @Test("after Ctrl-C the upload stays on the server, and a changed file is sent anew") func interrupted()
        async throws
    {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let big = try tool.folder.write(Data(count: 24 << 20), to: "big")
        let process = try tool.start(["--resume", "--limit-rate", "1M", big, server.url])
        #expect(try await eventually { try record().contains { $0.hasSuffix(".journal") } })
        process.terminate(SIGINT)
        let stopped = await process.result()
        #expect(stopped.status == 130 && stopped.errorOutput.contains("the same command, given again"))
        #expect(try record().contains { $0.hasSuffix(".journal") })
        let changed = Data(bottles(3 << 20))
        try tool.folder.write(changed, to: "big")
        let result = try await tool.run(["--resume", big, server.url])
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(try server.directory.read("big") == changed)
    }

    @Test("a refused token keeps the upload, which goes on with the right one") func wrongToken() async throws {
        let server = try await ServerProcess.start(environment: ["HTTP_STREAMING_TOKEN": "right"])
        defer { server.process.terminate() }
        let content = Data(bottles(24 << 20))
        let arguments = ["--resume", "-v", try tool.folder.write(content, to: "big"), server.url]
        let process = try tool.start(["--limit-rate", "1M"] + arguments, environment: ["UPLOAD_TOKEN": "right"])
        #expect(try await eventually { try record().contains { $0.hasSuffix(".journal") } })
        process.terminate(SIGINT)
        #expect(await process.result().status == 130)
        for token in ["wrong", ""] {
            let refused = try await tool.run(arguments, environment: ["UPLOAD_TOKEN": token])
            #expect(refused.status == 4 && refused.errorOutput.contains("401"), "\(refused.errorOutput)")
            #expect(try record().contains { $0.hasSuffix(".journal") })
        }
        let result = try await tool.run(arguments, environment: ["UPLOAD_TOKEN": "right"])
        #expect(result.status == 0 && result.errorOutput.contains(", 1 resumption\n"), "\(result.errorOutput)")
        #expect(try server.directory.read("big") == content)
        #expect(try record() == [])
    }

    @Test("what failed is sent by the next command, what was accepted is not") func partly() async throws {
        let requests = Shared<[String]>([])
        let isBroken = Shared(true)
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                // With --resume the tool asks first whether the server keeps uploads.
                if !head.line.hasPrefix("OPTIONS") { requests.append(head.line) }
                try connection.respond(isBroken.value && head.line.contains("/b ") ? 403 : 201)
            }
        }
        let files = [try tool.file("a"), try tool.file("b"), try tool.file("c")]
        let arguments = ["--put", "--resume", "-j", "1"] + files + [server.url]
        #expect(try await tool.run(arguments).status == 4)
        isBroken.set(false)
        #expect(try await tool.run(arguments).status == 0)
        #expect(requests.value.map { $0.split(separator: " ")[1] } == ["/a", "/b", "/c", "/b"])

        // An accepted file that is changed afterwards is another one.
        isBroken.set(true)
        #expect(try await tool.run(arguments).status == 4)
        _ = try tool.file("a", "changed")
        requests.set([])
        #expect(try await tool.run(arguments).status == 4)
        #expect(requests.value.map { $0.split(separator: " ")[1] } == ["/a", "/b"])
    }

    @Test("what was sent to another place, or by another user, is sent") func otherPlace() async throws {
        let count = Shared(0)
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                if head.line.hasPrefix("PUT"), head.line.contains("/a ") { count.update { $0 += 1 } }
                try connection.respond(head.line.contains("/b ") ? 403 : 201)
            }
        }
        let arguments = ["--resume", "--put", try tool.file("a"), try tool.file("b"), server.url]
        let environment = ["UPLOAD_PASSWORD": "x"]
        let places = [
            [], ["-H", "Host: other"], ["-u", "me"], ["-u", "you"], ["--type", "a/b"], ["--proxy", server.url],
        ]
        for (index, options) in places.enumerated() {
            for _ in 1...2 {
                #expect(try await tool.run(options + arguments, environment: environment).status == 4)
                #expect(count.value == index + 1, "\(options)")
            }
        }
        // A token is not part of the command.
        let authorized = try await tool.run(["-H", "Authorization: Bearer x"] + arguments)
        #expect(authorized.status == 4 && count.value == places.count)
    }

    @Test("a form that the server may have stored is sent again only with --retry-all") func forgotten() async throws {
        let isForgotten = Shared(false)
        let server = ResumableServer { _, _ in isForgotten.value ? .forget : .stall(after: 200_000) }
        let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
        let arguments = ["--resume", try tool.folder.write(bottles(4_000_000), to: "big"), listener.url]
        let stopped = try tool.start(arguments)
        #expect(try await eventually { try record().contains { $0.hasSuffix(".journal") } })
        stopped.terminate(SIGINT)
        #expect(await stopped.result().status == 130)
        isForgotten.set(true)
        let refused = try await tool.run(arguments)
        #expect(refused.status == 6 && refused.errorOutput.contains("with --retry-all"), "\(refused.errorOutput)")
        #expect(!server.methods.drop { $0 != "HEAD" }.contains("POST"))
        _ = try await tool.run(["--retry-all"] + arguments)
        #expect(server.methods.last == "POST")
    }

    @Test("what was accepted is not sent again when the comparison of digests was stopped")
    func comparison() async throws {
        let size = 64 << 20
        let big = try tool.file("big", "")
        let file = try FileHandle(forWritingTo: URL(filePath: big))
        try file.truncate(atOffset: UInt64(size))
        try file.close()
        let sum = try await Subprocess.run("sha256sum", [big]).output.prefix(64)
        let (digest, methods) = (Shared(String(sum)), Shared<[String]>([]))
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                methods.append(String(head.line.prefix { $0 != " " }))
                switch methods.value.last {
                case "PUT":
                    try connection.sendInterim(104, fields: "Location: /upload\r\n")
                    connection.stall()
                    return
                case "HEAD":
                    try connection.respond(204, fields: "Upload-Offset: \(size - 1)\r\nUpload-Complete: ?0\r\n")
                case "PATCH":
                    _ = try connection.readBody(of: head)
                    try connection.respond(
                        201, #"{"parts":[{"sha256":"\#(digest.value)"}]}"#, fields: "Upload-Complete: ?1\r\n")
                default: try connection.respond(204)
                }
            }
        }
        let arguments = ["--resume", "--verify", "--put", big, server.url]
        func stop(after ending: String) async throws {
            let process = try tool.start(arguments)
            #expect(try await eventually { try record().contains { $0.hasSuffix(ending) } })
            process.terminate(SIGINT)
            let result = await process.result()
            #expect(result.status == 130, "\(result.errorOutput)")
            #expect(ending == ".journal" || result.errorOutput.contains("could not be compared"))
        }
        try await stop(after: ".journal")
        try await stop(after: ".accepted")
        #expect(methods.value == ["OPTIONS", "PUT", "OPTIONS", "HEAD", "PATCH"])
        methods.set([])
        let result = try await tool.run(arguments)
        #expect(result.status == 0 && result.output.hasSuffix("was sent before, verified\n"), "\(result)")
        #expect(methods.value == ["OPTIONS"])
        #expect(try record() == [])
    }

    @Test("a lost connection is shown as an attempt, and the upload goes on") func cut() async throws {
        let server = ResumableServer { _, number in number == 2 ? .cut(after: 200_000) : .none }
        let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
        let big = try tool.folder.write(bottles(4_000_000), to: "big")
        let result = try await tool.run(["--resume", "--put", big, listener.url + "big"])
        #expect(result.status == 0 && result.errorOutput.contains("; attempt 2 of 10 in "), "\(result.errorOutput)")
        #expect(server.stored.last?.body == bottles(4_000_000))
        #expect(server.methods == ["OPTIONS", "PUT", "HEAD", "PATCH"])
    }

    @Test("two processes of the same command are one too many") func twice() async throws {
        let isBegun = Shared(false)
        let server = try FaultServer { connection in
            _ = try connection.readRequest()
            isBegun.set(true)
            _ = try connection.readHead()
        }
        let arguments = ["--resume", try tool.file("a"), server.url]
        let first = try tool.start(arguments)
        #expect(try await eventually { isBegun.value })
        let second = try await tool.run(arguments)
        #expect(second.status == 2 && second.errorOutput.contains("another process"), "\(second.errorOutput)")
        first.terminate(SIGINT)
        _ = await first.result()
    }

    @Test("--verify compares with what the server reports", arguments: [true, false])
    func verify(isPut: Bool) async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let files = [try tool.file("a", "one"), try tool.file("b", "two")]
        let how = isPut ? ["--put", "-z"] : ["--together", "-F", "title=x"]
        let result = try await tool.run(["--verify"] + how + files + [server.url])
        #expect(result.status == 0 && result.output.contains(", verified"), "\(result.errorOutput)")
        // Another file's digest, and none at all.
        let digest = sha256(Data("two".utf8))
        for (answer, text) in [(#"{"sha256":"\#(digest)"}"#, "other bytes"), ("{}", "reports no digest")] {
            let liar = try FaultServer { connection in
                while try connection.readRequest() != nil { try connection.respond(201, answer) }
            }
            let refused = try await tool.run(["--verify", files[0], liar.url])
            #expect(refused.status == 5 && refused.errorOutput.contains(text), "\(refused.errorOutput)")
            #expect(try await tool.run(["--verify", files[1], liar.url]).status == (answer == "{}" ? 5 : 0))
        }
    }

    @Test("names that are not UTF-8 are found and kept") func binaryNames() async throws {
        let heads = Shared<[RequestHead]>([])
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                heads.append(head)
                try connection.respond(201)
            }
        }
        let result = try await Subprocess.run(
            "bash",
            [
                "-c", #"cd "$1" && printf x > $'n\xFF\xC3' && "$0" --put $'n\xFF\xC3' "$2""#,
                Subprocess.product("upload"),
                tool.folder.path, server.url,
            ])
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(heads.value.first?.line == "PUT /n%FF%C3 HTTP/1.1")
    }
}
