import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Downloads", .timeLimit(.minutes(2)))
struct FileDownloadTests {
    private func with(
        _ files: [(name: String, bytes: [UInt8])] = Samples.all, _ body: (RunningServer) async throws -> Void
    ) async throws {
        try await RunningServer.with { server in
            for (name, bytes) in files { try server.directory.write(bytes, to: name) }
            try await body(server)
        }
    }

    @Test("the list has the files that can be downloaded; all other names get 404") func list() async throws {
        try await with([("b", [1, 2]), ("é %.txt", []), (".hidden", [1]), (TemporaryFile.namePrefix + "x", [1])]) {
            server in
            try FileManager.default.createDirectory(
                atPath: server.directory.path("folder"), withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: server.directory.path("link"), withDestinationPath: "/etc/passwd")
            mkfifo(server.directory.path("fifo"), 0o600)
            let old = Date(timeIntervalSince1970: 784_111_777)
            for name in ["b", "é %.txt"] {
                let path = server.directory.path(name)
                try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: path)
            }
            let list = try await server.get("/files")
            #expect(list.status == 200)
            #expect(list.fields["content-type"] == "application/json")
            let expected =
                #"[{"modified":"1994-11-06T08:49:37Z","name":"b","size":2},{"modified":"1994-11-06T08:49:37Z","name":"é %.txt","size":0}]"#
            #expect(String(decoding: list.content, as: UTF8.self) == expected + "\n")
            for name in ["b", "%C3%A9%20%25.txt"] { #expect(try await server.get("/files/\(name)").status == 200) }
            for name in [
                ".hidden", TemporaryFile.namePrefix + "x", "folder", "link", "fifo", "none", "..", ".", "%2e%2e", "",
                "b/", "folder%2F..%2Fb", "../b", "b%00", "%2Fetc%2Fpasswd", String(repeating: "n", count: 300), "b/x",
            ] {
                let answer = try await server.get("/files/\(name)")
                #expect(answer.status == 404, "\(name)")
                #expect(try Answer(answer.content).error?.contains("/files") == true)
            }
        }
    }

    @Test("HTTP/1.0 gets a file uncoded and without chunks") func http10() async throws {
        let text = Array(repeatElement("a line of text\n".utf8, count: 1000).joined())
        try await with([("a.html", text)]) { server in
            for version in ["1.0", "1.1"] {
                let fields = "Host: x\r\nAccept-Encoding: gzip\r\nConnection: close"
                let answer = try await server.response(to: "GET /files/a.html HTTP/\(version)\r\n\(fields)\r\n\r\n")
                #expect(answer.status == 200)
                #expect(answer.head.contains("Transfer-Encoding: chunked") == (version == "1.1"))
                #expect(answer.head.contains("Content-Encoding: gzip") == (version == "1.1"))
                #expect(answer.head.contains("Content-Length: 15000") == (version == "1.0"))
                // Scripts in an uploaded page must not run.
                #expect(answer.head.contains("Content-Security-Policy: sandbox"))
            }
        }
    }

    @Test("an uploaded file is at its Location") func location() async throws {
        try await RunningServer.with { server in
            let put = try await server.request("PUT", "/a%20b%23%C3%A9", body: [1, 2, 3])
            let location = try #require(put.head.components(separatedBy: "\r\n").first { $0.hasPrefix("Location: ") })
            #expect(try await server.get(String(location.dropFirst("Location: ".count))).content == [1, 2, 3])
        }
    }

    @Test("with --discard nothing can be downloaded") func discard() async throws {
        try await RunningServer.with(storage: { _ in DiscardStorage() }) { server in
            let put = try await server.request("PUT", "/x", body: [1])
            #expect(put.status == 201)
            #expect(try await server.get("/files").content == Array("[]\n".utf8))
            #expect(try await server.get("/files/x").status == 404)
        }
    }

    @Test("every byte arrives, in each coding") func everyByte() async throws {
        try await with { server in
            let requests = Samples.all.flatMap { name, _ in
                ["", "gzip", "deflate"].map { ("GET", "/files/\(name)", ["Accept-Encoding: \($0)"]) }
            }
            let downloads = try await server.downloads(requests)
            for (index, download) in downloads.enumerated() {
                let (name, bytes) = Samples.all[index / 3]
                let coding = download.fields["content-encoding"].flatMap { Coding(token: $0) }
                #expect(download.status == 200)
                #expect((coding == nil) == (index % 3 == 0 || bytes.count < 1024), "\(name)")
                #expect((download.fields["content-length"] == nil) == (coding != nil))
                #expect(download.fields["vary"] == "Accept-Encoding")
                let content = try coding.map { try $0.decode(download.content) } ?? download.content
                #expect(content == bytes)
            }
        }
    }

    @Test("HEAD gets the fields of GET without content") func head() async throws {
        try await with { server in
            for (name, _) in Samples.all {
                for fields in [[], ["Accept-Encoding: gzip"], ["Accept-Encoding: *;q=0"], ["If-Match: \"x\""]] {
                    let path = "/files/\(name)"
                    // The third response shows that only the head of the second was sent.
                    let answers = try await server.downloads([
                        ("GET", path, fields), ("HEAD", path, fields), ("GET", path, fields),
                    ])
                    #expect(answers.map(\.status) == Array(repeating: answers[0].status, count: 3))
                    var expected = answers[0].fields
                    var head = answers[1].fields
                    // RFC 9110 §9.3.2: HEAD may omit fields that are known only with the content.
                    expected["transfer-encoding"] = nil
                    expected["date"] = nil
                    head["date"] = nil
                    #expect(head == expected)
                    #expect(answers[2].content == answers[0].content)
                }
            }
            let answers = try await server.downloads([
                ("HEAD", "/files", []), ("HEAD", "/files/none", []), ("GET", "/files", []),
            ])
            #expect(answers.map(\.status) == [200, 404, 200])
            #expect(answers[0].fields["content-length"] == answers[2].fields["content-length"])
        }
    }

    @Test("ranges are sent with 206, several ranges and invalid ones as the whole file") func ranges() async throws {
        try await with([("book", Samples.book)]) { server in
            let book = Samples.book
            for (range, expected) in [
                ("0-0", 0..<1), ("5-", 5..<book.count), ("-7", (book.count - 7)..<book.count),
                ("65535-65536", 65535..<65537), ("0-99999999", 0..<book.count), ("100-262143", 100..<book.count),
            ] {
                let part = try await server.get("/files/book", ["Range: bytes=\(range)", "Accept-Encoding: gzip"])
                #expect(part.status == 206)
                #expect(
                    part.fields["content-range"]
                        == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/\(book.count)")
                #expect(part.content == Array(book[expected]))
            }
            let none = try await server.get("/files/book", ["Range: bytes=\(book.count)-"])
            #expect(none.status == 416)
            #expect(none.fields["content-range"] == "bytes */\(book.count)")
            #expect(try Answer(none.content).error != nil)
            for range in ["bytes=1-2,5-6", "lines=1-2", "bytes=5-1"] {
                let whole = try await server.get("/files/book", ["Range: \(range)"])
                #expect(whole.status == 200)
                #expect(whole.content == book)
            }
        }
    }

    @Test("conditions give 304 and 412, and the tag changes with the content") func conditions() async throws {
        try await with([("book", Samples.book)]) { server in
            let whole = try await server.get("/files/book")
            let tag = try #require(whole.fields["etag"])
            let date = try #require(whole.fields["last-modified"])
            for (field, status) in [
                ("If-None-Match: \(tag)", 304), ("If-None-Match: \"x\"", 200), ("If-Modified-Since: \(date)", 304),
                ("If-Match: \(tag)", 200), ("If-Match: \"x\"", 412), ("If-Unmodified-Since: \(date)", 200),
                ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 412),
            ] {
                // The connection persists after any of these.
                let answers = try await server.downloads([("GET", "/files/book", [field]), ("GET", "/files/book", [])])
                #expect(answers.map(\.status) == [status, 200])
                #expect(answers[1].content == Samples.book)
                if status == 304 {
                    #expect(answers[0].fields["etag"] == tag)
                    #expect(answers[0].fields["content-length"] == nil)
                }
            }
            // Other content has another tag, even with the same length and in the same second.
            try server.directory.write(Samples.book.reversed(), to: "book")
            #expect(try await server.get("/files/book").fields["etag"] != tag)
            let late = try await server.get("/files/book", ["Range: bytes=0-9", "If-Range: \(tag)"])
            #expect(late.status == 200)
        }
    }

    @Test("small and already compressed files are sent uncoded unless that is unacceptable")
    func compressedContent() async throws {
        let gzip = try Samples.encoded(Samples.book, .gzip)
        try await with([("a.txt", gzip), ("b.txt", Samples.book), ("small.txt", Array(Samples.book.prefix(1023)))]) {
            server in
            #expect(try await server.get("/files/a.txt", ["Accept-Encoding: gzip"]).content == gzip)
            #expect(
                try await server.get("/files/b.txt", ["Accept-Encoding: gzip"]).fields["content-encoding"] == "gzip")
            #expect(try await server.get("/files/small.txt", ["Accept-Encoding: gzip"]).content.count == 1023)
            // Unless only gzip is acceptable.
            let coded = try await server.get("/files/a.txt", ["Accept-Encoding: gzip, identity;q=0"])
            #expect(try Coding.gzip.decode(coded.content) == gzip)
            for field in ["identity;q=0", "*;q=0"] {
                let refused = try await server.get("/files/b.txt", ["Accept-Encoding: \(field)"])
                #expect(refused.status == 406)
                #expect(try Answer(refused.content).error != nil)
            }
        }
    }

    @Test(
        "the download of a file that changes is cut off", arguments: ["identity", "gzip"],
        [
            { truncate($0, 1 << 20) }, { truncate($0, 0) },
            // Shortened, then as long as before.
            { path in
                truncate(path, 0)
                truncate(path, 64 << 20)
            },
        ] as [@Sendable (String) -> Void])
    func changedFile(coding: String, change: @escaping @Sendable (String) -> Void) async throws {
        try await RunningServer.with { server in
            let path = server.directory.path("x")
            try server.directory.write(Samples.random(64 << 20), to: "x")
            try await server.connected { connection in
                try connection.send(
                    "GET /files/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: \(coding)\r\n\r\n")
                _ = try connection.receive(through: "\r\n\r\n")
                _ = try connection.receive(count: 100_000)
                // Wait until the connection is full, so that the file is not read during the change.
                usleep(300_000)
                change(path)
                // Neither the whole length nor the last chunk arrives, but the connection is closed.
                var (count, end) = (100_000, [UInt8]())
                while case let bytes = try connection.receiveSome(), !bytes.isEmpty {
                    count += bytes.count
                    end = Array((end + bytes).suffix(5))
                }
                #expect(count < 64 << 20)
                #expect(end != Array("0\r\n\r\n".utf8))
            }
            try FileManager.default.removeItem(atPath: path)
            #expect(try await server.isAlive())
        }
    }

    @Test("a client that has closed its sending side gets the whole file") func halfClosed() async throws {
        try await with([("big", Samples.random(8 << 20))]) { server in
            let expected = try server.directory.read("big")
            let content = try await server.connected { connection in
                try connection.send("GET /files/big HTTP/1.1\r\nHost: x\r\n\r\n")
                connection.finishSending()
                return try Download(connection).content
            }
            #expect(Data(content) == expected)
        }
    }

    @Test("parallel downloads arrive whole while others are aborted") func parallel() async throws {
        try await with([("big", Samples.random(8 << 20))]) { server in
            let expected = try server.directory.read("big")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        if number % 4 == 0 {
                            try await server.connected { connection in
                                try connection.send("GET /files/big HTTP/1.1\r\nHost: x\r\n\r\n")
                                _ = try connection.receive(count: 10_000)
                                connection.reset()
                            }
                        } else {
                            let coding = number % 4 == 1 ? Coding.gzip : nil
                            let answer = try await server.get(
                                "/files/big", coding.map { ["Accept-Encoding: \($0)"] } ?? [])
                            let content = try coding.map { try $0.decode(answer.content) } ?? answer.content
                            #expect(Data(content) == expected)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await server.isAlive())
        }
    }
}
