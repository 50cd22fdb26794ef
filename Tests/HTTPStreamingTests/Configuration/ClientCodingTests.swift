import ContentCoding
import Foundation
import HTTPStreaming
import Multipart
import TestSupport
import Testing

@Suite("Client, content codings", .timeLimit(.minutes(2)))
struct ClientCodingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let coding: Client.ContentCoding
        let token: String
    }

    static let cases = [
        Case(testDescription: "gzip", coding: .gzip(), token: "gzip"),
        Case(testDescription: "gzip, 1 worker, level 1", coding: .gzip(level: 1, workers: 1), token: "gzip"),
        Case(testDescription: "gzip, 5 workers, level 9", coding: .gzip(level: 9, workers: 5), token: "gzip"),
        Case(testDescription: "gzip, level 0", coding: .gzip(level: 0), token: "gzip"),
        Case(testDescription: "deflate", coding: .deflate(), token: "deflate"),
        Case(testDescription: "automatic", coding: .automatic, token: "gzip"),
    ]

    @Test("send writes one coded, chunked stream that holds the message", arguments: cases)
    func send(_ example: Case) async throws {
        let (recorder, server, client) = try recording { $0.contentCoding = example.coding }
        for size in [0, 1, 262_143, 262_144, 3_000_001] {
            let content = bottles(size)
            let directory = try TemporaryDirectory()
            let path = try directory.write(content, to: "log.txt")
            let response = try await client.send(.file(path), .field("note", "äöü"))
            let request = try #require(recorder.last)
            #expect(request.head["content-encoding"] == example.token)
            #expect(request.head["transfer-encoding"] == "chunked")
            // A small body is sent without Expect.
            #expect((request.head["expect"] == nil) == (size < 1_000_000))
            #expect(response.bytesSent == Int64(request.body.count))
            let parts = try recorder.lastParts()
            #expect(parts.map(\.name) == ["file", "note"])
            #expect(parts.map(\.content) == [content, Array("äöü".utf8)])
        }
        #expect(server.accepted == 1)
    }

    @Test("sendUnclosed: each part can be decoded before the next is sent", arguments: cases)
    func sendUnclosed(_ example: Case) async throws {
        let decoded = Shared<[UInt8]>([])
        let server = try FaultServer { connection in
            _ = try connection.readHeadAndContinue()
            var decoder = ContentDecoder(example.token == "gzip" ? .gzip : .deflate)
            while case let chunk = try connection.readChunk(), !chunk.isEmpty {
                let content = try decoder.decode(chunk)
                decoded.update { $0 += content }
            }
            try decoder.finish()
            try connection.respond(201)
        }
        let client = try Client(server, example.coding)
        for number in 0..<5 {
            let part = Part("file", .bytes(bottles(number * 150_000)), filename: "file \(number)")
            #expect(try await client.sendUnclosed(part))
            // The network has accepted it; the server's thread may need a moment.
            let end = bottles(number * 150_000).suffix(1000) + "\r\n".utf8
            #expect(try await eventually { decoded.value.suffix(end.count) == end })
        }
        #expect(try await client.close().status == 201)
    }

    @Test("an idle open request sends empty blocks as a heartbeat") func keepAlive() async throws {
        let chunks = Shared<[[UInt8]]>([])
        let server = try FaultServer { connection in
            _ = try connection.readHeadAndContinue()
            while case let chunk = try connection.readChunk(), !chunk.isEmpty { chunks.update { $0.append(chunk) } }
            try connection.respond(201)
        }
        let client = try Client(.post, server.url) {
            $0.contentCoding = .gzip()
            $0.heartbeatInterval = .milliseconds(100)
        }
        try await client.sendUnclosed(.field("a", "1"))
        let hasArrived = try await eventually {
            var decoder = ContentDecoder(.gzip)
            return (try? decoder.decode(chunks.value.flatMap { $0 }).suffix(3) == Array("1\r\n".utf8)) ?? false
        }
        #expect(hasArrived)
        let before = chunks.value.count
        let start = ContinuousClock.now
        try await Task.sleep(for: .milliseconds(950))
        let idle = chunks.value.dropFirst(before)
        // As many as fit into the time, fewer on a busy machine.
        let most = Int((ContinuousClock.now - start) / .milliseconds(100)) + 1
        #expect((3...most).contains(idle.count) && idle.allSatisfy { $0 == [0, 0, 0, 0xFF, 0xFF] }, "\(idle)")
        try await client.sendUnclosed(.field("b", "2"))
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await client.close().status == 201)
        let message = String(decoding: try Coding.gzip.decode(chunks.value.flatMap { $0 }), as: UTF8.self)
        #expect(message.contains("name=\"a\"\r\n\r\n1\r\n--") && message.contains("name=\"b\"\r\n\r\n2\r\n--"))
    }

    @Test("a part is sent as a .gz file, in an identity body and in a coded one", arguments: [false, true])
    func gzipped(isCoded: Bool) async throws {
        let (recorder, _, client) = try recording { $0.contentCoding = isCoded ? .automatic : .identity }
        let content = bottles(1_500_000)
        let directory = try TemporaryDirectory()
        let path = try directory.write(content, to: "log.txt")
        _ = try await client.send(
            .field("before", "x"), .file(path).gzipped(), Part("data", .bytes(content)).gzipped(level: 1),
            Part("file", .bytes([]), filename: "empty").gzipped(), .field("after", "y"))
        let request = try #require(recorder.last)
        #expect(request.head["content-encoding"] == (isCoded ? "gzip" : nil))
        #expect(request.head["transfer-encoding"] == "chunked")
        let parts = try recorder.lastParts()
        #expect(parts.map(\.filename) == [nil, "log.txt.gz", "data.gz", "empty.gz", nil])
        #expect(parts[1].contentType == "application/gzip")
        for (part, expected) in zip(parts[1...3], [content, content, []]) {
            #expect(try Coding.gzip.decode(part.content) == expected)
        }
        #expect(parts[1].content.count < content.count / 2)
        #expect([parts[0].content, parts[4].content] == [Array("x".utf8), Array("y".utf8)])
    }

    @Test("a part is compressed once; invalid levels are refused") func gzippedAgain() async throws {
        let (recorder, _, client) = try recording()
        let part = Part("file", .bytes(bottles(1000)), filename: "a.txt")
        _ = try await client.send(part.gzipped().gzipped())
        let received = try #require(try recorder.lastParts().first)
        #expect(received.filename == "a.txt.gz")
        #expect(try Coding.gzip.decode(received.content) == bottles(1000))
        for level in [-1, 10] {
            await expectError(.invalidPart) { try await client.send(part.gzipped(level: level)) }
        }
    }

    @Test("automatic coding stores compressed or incompressible parts and compresses the others")
    func automatic() async throws {
        let (recorder, _, client) = try recording { $0.contentCoding = .automatic }
        var generator = SeededGenerator(case: 7)
        let noise = generator.bytes(1_000_000)
        // A PNG by its signature only: the rest could be compressed.
        let picture = [0x89] + Array("PNG\r\n\u{1A}\n".utf8) + bottles(1_000_000)
        let text = bottles(1_000_000)
        let directory = try TemporaryDirectory()
        let path = try directory.write(picture, to: "picture.png")
        let response = try await client.send(Part("noise", .bytes(noise)), .file(path), Part("text", .bytes(text)))
        #expect(try recorder.lastParts().map(\.content) == [noise, picture, text])
        let stored = noise.count + picture.count
        #expect(response.bytesSent > Int64(stored) && response.bytesSent < Int64(stored + text.count / 2))
    }

    @Test("progress counts the message, and separately the bytes sent") func progress() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try Client(server, .gzip())
        let seen = Shared<[UploadProgress]>([])
        let response = try await client.send(Part("file", .bytes(bottles(2_000_000)))) { seen.append($0) }
        let last = try #require(seen.value.last)
        #expect(last.bytesRead == last.totalBytes && last.bytesRead > 2_000_000)
        #expect(last.bytesSent == response.bytesSent && last.bytesSent < 1_000_000)
    }

    @Test("invalid settings are refused") func settings() {
        for coding: Client.ContentCoding in [
            .gzip(level: 10), .deflate(level: -1), .gzip(workers: 0), .gzip(workers: 65),
        ] {
            #expect(refusal { $0.contentCoding = coding }?.code == .invalidConfiguration)
        }
        #expect(refusal { $0.heartbeatInterval = .seconds(1) }?.code == .invalidConfiguration)
        #expect(
            refusal {
                $0.contentCoding = .gzip()
                $0.heartbeatInterval = .milliseconds(99)
            }?.code == .invalidConfiguration)
        #expect(refusal { $0.headerFields = ["Content-encoding": "gzip"] }?.code == .invalidConfiguration)
        #expect(
            refusal {
                $0.contentCoding = .automatic
                $0.heartbeatInterval = .seconds(1)
            } == nil)
    }
}

extension Client {
    /// Of a test's server, with that coding.
    convenience init(_ server: FaultServer, _ coding: ContentCoding) throws {
        try self.init(.post, server.url) { $0.contentCoding = coding }
    }
}
