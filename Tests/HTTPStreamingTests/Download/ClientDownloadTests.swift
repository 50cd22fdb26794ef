import ContentCoding
import Foundation
import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

/// `test.download(_:to:resuming:)` over several calls, against a scripted server.
@Suite("Client, downloads", .timeLimit(.minutes(3)))
struct ClientDownloadTests {
    private let test: DownloadTest
    private var content: [UInt8] { test.content }
    private var directory: TemporaryDirectory { test.directory }

    init() throws { test = try DownloadTest() }

    @Test("later calls go on where the first was cut, and nothing is left") func continued() async throws {
        var generator = SeededGenerator(case: 72)
        let cuts = (0..<5).map { _ in Int.random(in: 1...250_000, using: &generator) }
        let (server, listener) = try test.cutting(.init(content), cuts)
        for number in cuts.indices {
            try await test.interrupt(listener)
            #expect(try directory.contents() == ["file.part", "file.part.state"])
            let received = cuts[...number].reduce(0, +)
            #expect(try Array(directory.read("file.part")) == Array(content.prefix(received)))
        }
        let mode =
            try FileManager.default.attributesOfItem(atPath: test.path + ".part.state")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let response = try await test.download(listener)
        try test.expectSaved(content, "seed \(SeededGenerator.seed)")
        #expect(response.status == 206 && response.metrics.resumptions == 0)
        let starts = cuts.indices.map { cuts[...$0].reduce(0, +) }
        #expect(server.ranges == [nil] + starts.map { "bytes=\($0)-" })
        #expect(server.heads.value.allSatisfy { $0["accept-encoding"] == "identity" })
    }

    @Test("within a call and over calls together") func both() async throws {
        let (server, listener) = try test.cutting(.init(content), [300_000, 300_000, 300_000])
        try await test.interrupt(listener)
        let response = try await test.download(listener) { $0.retry = Client.Retry(delay: .milliseconds(10)) }
        try test.expectSaved(content)
        #expect(response.metrics.resumptions == 2 && server.ranges.last == "bytes=900000-")
    }

    @Test("a file that has changed begins again, with or without ranges") func changed() async throws {
        for hasRanges in [true, false] {
            let server = RangeServer(.init(content)) { _, number in
                number == 1 ? .cut(after: 600_000) : hasRanges ? .none : .noRange
            }
            let listener = try FaultServer(server.serve)
            try await test.interrupt(listener)
            let new = test.other
            server.file.update { file in
                file.content = new
                file.tag = "\"two\""
            }
            _ = try await test.download(listener)
            try test.expectSaved(test.other)
            #expect(server.ranges == [nil, "bytes=600000-"])
        }
    }

    @Test("a changed file is interrupted too: the bytes and the record stay of one file") func changedAndCut()
        async throws
    {
        let (server, listener) = try test.cutting(.init(content), [600_000, 100_000, 200_000])
        try await test.interrupt(listener)
        let new = test.other
        server.file.update { file in
            file.content = new
            file.tag = "\"two\""
        }
        try await test.interrupt(listener)
        #expect(try Array(directory.read("file.part")) == Array(test.other.prefix(100_000)))
        try await test.interrupt(listener)
        _ = try await test.download(listener)
        try test.expectSaved(test.other)
        #expect(server.ranges == [nil, "bytes=600000-", "bytes=100000-", "bytes=300000-"])
    }

    @Test("a 206 that does not fit, 416 and another URL begin again") func useless() async throws {
        for number in 0..<3 {
            let server = RangeServer(.init(content)) { _, request in
                switch (request, number) {
                case (1, _): .cut(after: 600_000)
                case (2, 0):
                    .raw(
                        "HTTP/1.1 206 No\r\nContent-Range: bytes 500000-1499999/1500000\r\nETag: \"one\"\r\n\r\n",
                        [UInt8](repeating: 0, count: 1_000_000))
                case (2, 1): .raw("HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n", [])
                default: .none
                }
            }
            let listener = try FaultServer(server.serve)
            try await test.interrupt(listener)
            _ = try await test.download(listener, number == 2 ? "other" : "")
            try test.expectSaved(content)
            #expect(server.ranges == (number == 2 ? [nil, nil] : [nil, "bytes=600000-", nil]))
        }
    }

    @Test("without a strong validator, or coded, nothing is kept") func nothingKept() async throws {
        for isCoded in [false, true] {
            var file = RangeServer.File(content)
            if isCoded { file.fields = "Content-Encoding: gzip\r\n" } else { file.tag = "W/\"one\"" }
            let (_, listener) = try test.cutting(file, [600_000])
            let error = await #expect(throws: ClientError.self) { _ = try await test.download(listener) }
            #expect(error?.code == (isCoded ? .invalidContent : .connectionLost))
            #expect(try directory.contents() == [])
        }
    }

    @Test("a complete partial file is checked by its last byte") func complete() async throws {
        let (server, listener) = try test.cutting(.init(content), [600_000])
        try await test.interrupt(listener)
        try directory.write(content, to: "file.part")
        _ = try await test.download(listener)
        try test.expectSaved(content)
        #expect(server.ranges == [nil, "bytes=1499999-"])
    }

    @Test("statuses are errors, and leave what was received") func statuses() async throws {
        let server = RangeServer(.init(content)) { head, number in
            if number == 2 { return .cut(after: 600_000) }
            return number == 4 ? .none : .raw("HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\n", Array("gone".utf8))
        }
        let listener = try FaultServer(server.serve)
        let fail = {
            let error = await #expect(throws: StatusError.self) { _ = try await test.download(listener) }
            #expect(error?.status == 404)
        }
        await fail()
        #expect(try directory.contents() == [])
        try await test.interrupt(listener)
        await fail()
        #expect(try directory.contents() == ["file.part", "file.part.state"])
        _ = try await test.download(listener)
        try test.expectSaved(content)
        #expect(server.ranges == [nil, nil, "bytes=600000-", "bytes=600000-"])
    }

    @Test("an existing file stays until the new one is complete; without resuming nothing else is left")
    func replaced() async throws {
        try directory.write("old".utf8, to: "file")
        let (_, listener) = try test.cutting(.init(content), [600_000, 600_000])
        try await test.interrupt(listener)
        #expect(try directory.read("file") == Data("old".utf8))
        let client = try Client { $0.retry = .never }
        await expectError(.connectionLost) { _ = try await client.download(listener.url, to: test.path) }
        #expect(try directory.contents() == ["file", "file.part", "file.part.state"])
        try await client.download(listener.url, to: test.path)
        #expect(try Array(directory.read("file")) == content)
        _ = try await test.download(listener)
        try test.expectSaved(content)
    }

    @Test("without resuming it is continued within the call, also where the server would compress")
    func withinCall() async throws {
        let (server, listener) = try test.cutting(.init(content), [600_000])
        let client = try Client { $0.retry = Client.Retry(delay: .milliseconds(10)) }
        let response = try await client.download(listener.url, to: test.path)
        try test.expectSaved(content)
        #expect(response.status == 200 && response.metrics.resumptions == 1)
        #expect(server.heads.value.map { $0["accept-encoding"] } == ["identity", "identity"])
        // A server that codes nevertheless.
        var file = RangeServer.File(try Coding.gzip.encode(content))
        file.fields = "Content-Encoding: gzip\r\n"
        let (coding, coded) = try test.cutting(file, [600_000])
        for isResuming in [false, true] {
            try await client.download(coded.url, to: test.path, resuming: isResuming)
            try test.expectSaved(content)
        }
        #expect(coding.ranges == [nil, "bytes=600000-", nil])
    }

    @Test("empty files and short ones", arguments: [0, 1, 2]) func short(count: Int) async throws {
        let (server, listener) = try test.cutting(.init(Array(content.prefix(count))), [])
        _ = try await test.download(listener)
        try test.expectSaved(Array(content.prefix(count)))
        #expect(server.ranges == [nil])
    }

    @Test("a range or a condition of a cache in the configuration is an error") func configuration() async throws {
        let (server, listener) = try test.cutting(.init(content), [])
        for name in ["Range", "If-None-Match"] {
            await expectError(.invalidConfiguration) {
                _ = try await test.download(listener) { $0.headerFields[name] = "bytes=1-" }
            }
        }
        #expect(try directory.contents() == [] && server.ranges == [])
    }
}
