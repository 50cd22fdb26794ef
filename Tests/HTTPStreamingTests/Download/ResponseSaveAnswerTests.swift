import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Downloads whose rest a server sends wrongly, or not at all.
@Suite("Response saving, answers that do not fit", .timeLimit(.minutes(3)))
struct ResponseSaveAnswerTests {
    private let saving: SavingTest
    private var content: [UInt8] { saving.content }
    private var directory: TemporaryDirectory { saving.directory }

    init() throws { saving = try SavingTest() }

    /// Answers to the request for the rest that must not be used.
    static let wrong: [(name: String, head: String)] = [
        (
            "another start",
            "Content-Range: bytes 400000-1499999/1500000\r\nETag: \"one\"\r\nContent-Length: 1100000\r\n"
        ),
        (
            "another length",
            "Content-Range: bytes 500000-1499998/1499999\r\nETag: \"one\"\r\nContent-Length: 999999\r\n"
        ),
        ("another tag", "Content-Range: bytes 500000-1499999/1500000\r\nETag: \"two\"\r\nContent-Length: 1000000\r\n"),
        ("a weak tag", "Content-Range: bytes 500000-1499999/1500000\r\nETag: W/\"one\"\r\nContent-Length: 1000000\r\n"),
        ("no tag", "Content-Range: bytes 500000-1499999/1500000\r\nContent-Length: 1000000\r\n"),
        ("no range", "ETag: \"one\"\r\nContent-Length: 1000000\r\n"),
        ("an unknown length", "Content-Range: bytes 500000-1499999/*\r\nETag: \"one\"\r\nContent-Length: 1000000\r\n"),
        (
            "another coding",
            "Content-Range: bytes 500000-1499999/1500000\r\nETag: \"one\"\r\nContent-Encoding: gzip\r\n"
        ),
        ("parts", "Content-Type: multipart/byteranges; boundary=b\r\nETag: \"one\"\r\nContent-Length: 1000000\r\n"),
    ]

    @Test("a 206 that does not fit is not used: the file begins again", arguments: wrong.indices)
    func useless(index: Int) async throws {
        let head = "HTTP/1.1 206 Partial Content\r\n\(Self.wrong[index].head)\r\n"
        let junk = [UInt8](repeating: 0xEE, count: 1_100_000)
        let server = RangeServer(.init(content)) { _, number in
            switch number {
            case 1: .cut(after: 500_000)
            case 2: .raw(head, junk)
            default: .none
            }
        }
        let (_, client) = try saving.client(server)
        _ = try await saving.save(client)
        #expect(try saving.saved() == content, "\(Self.wrong[index].name)")
        #expect(server.ranges == [nil, "bytes=500000-", nil], "\(Self.wrong[index].name)")
    }

    @Test("servers without ranges, or with 416, send the file again") func withoutRanges() async throws {
        for status in [200, 416] {
            let server = RangeServer(.init(content)) { _, number in
                switch (number, status) {
                case (1, _): .cut(after: 500_000)
                case (2, 200): .noRange
                case (2, _): .raw("HTTP/1.1 416 No\r\nContent-Range: bytes */1500000\r\nContent-Length: 0\r\n\r\n", [])
                default: .none
                }
            }
            let (_, client) = try saving.client(server)
            #expect(try await saving.save(client).metrics.resumptions == 1)
            #expect(try saving.saved() == content)
            #expect(server.heads.value.count == (status == 200 ? 2 : 3))
        }
    }

    @Test("a server that ignores If-Range cannot cause a mixture") func noCondition() async throws {
        let replacement = Shared<RangeServer?>(nil)
        let next = saving.other
        let server = RangeServer(.init(content)) { _, number in
            if number == 2 {
                replacement.value?.file.update { file in
                    file.content = next
                    file.tag = "\"two\""
                }
            }
            return number == 1 ? .cut(after: 500_000) : number == 2 ? .noCondition : .none
        }
        replacement.set(server)
        defer { replacement.set(nil) }
        let (_, client) = try saving.client(server)
        _ = try await saving.save(client)
        #expect(try saving.saved() == saving.other)
        #expect(server.ranges == [nil, "bytes=500000-", nil])
    }

    @Test("a range that is shorter than asked for is followed by the next one") func shortRange() async throws {
        let part = Array(content[500_000..<600_000])
        let server = RangeServer(.init(content)) { _, number in
            let head = "Content-Range: bytes 500000-599999/1500000\r\nETag: \"one\"\r\nContent-Length: 100000\r\n"
            return switch number {
            case 1: .cut(after: 500_000)
            case 2: .raw("HTTP/1.1 206 Partial Content\r\n\(head)\r\n", part)
            default: .none
            }
        }
        let (_, client) = try saving.client(server)
        _ = try await saving.save(client)
        #expect(try saving.saved() == content)
        #expect(server.ranges == [nil, "bytes=500000-", "bytes=600000-"])
    }

    @Test("more bytes than Content-Range says are an error, and leave nothing") func tooMany() async throws {
        let rest = Array(content[500_000...]) + [1]
        let server = RangeServer(.init(content)) { _, number in
            let head = "Content-Range: bytes 500000-1499999/1500000\r\nETag: \"one\"\r\n"
            return number == 1 ? .cut(after: 500_000) : .raw("HTTP/1.1 206 Partial Content\r\n\(head)\r\n", rest)
        }
        let (_, client) = try saving.client(server)
        let response = try await client.send()
        await expectError(.invalidResponse) { try await response.save(to: directory.path("file")) }
        #expect(try directory.contents() == [])
    }

    @Test("a Content-Length that is too long is an error") func lying() async throws {
        let (bytes, lie) = (content, "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: 1600000\r\n\r\n")
        let server = RangeServer(.init(content)) { head, _ in head["range"] == nil ? .raw(lie, bytes) : .none }
        let (_, client) = try saving.client(server)
        let response = try await client.send()
        await expectError(.connectionLost) { try await response.save(to: directory.path("file")) }
        #expect(try directory.contents() == [])
        #expect(server.ranges.contains("bytes=1500000-"))
    }
}
