import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Response", .timeLimit(.minutes(2)))
struct ResponseTests {
    /// Of prime length, so that a lost or repeated buffer is detected.
    private static let pattern = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 16) }

    /// A server that answers with that many bytes of the repeated pattern, as fast as they are read.
    private func source(_ count: Int, sent: Shared<Int>? = nil) throws -> FaultServer {
        try FaultServer { connection in
            while try connection.readHead() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n")
                var next = 0
                while next < count {
                    let size = min(Self.pattern.count, count - next)
                    try connection.send(Array(Self.pattern[..<size]))
                    next += size
                    sent?.set(next)
                }
            }
        }
    }

    @Test("content streams whole and in order, with back-pressure") func streaming() async throws {
        let sent = Shared(0)
        let server = try source(64 << 20, sent: sent)
        let response = try await Client(.get, server.url).send()
        try await Task.sleep(for: .milliseconds(300))
        // Nothing is read: only the buffers of client and kernels are full.
        #expect(sent.value < 32 << 20)
        let twice = Self.pattern + Self.pattern
        var received = 0
        for try await chunk in response.body {
            try #require(!chunk.isEmpty && chunk.count < Self.pattern.count)
            let start = received % Self.pattern.count
            try #require(firstDifference(chunk, twice[start..<(start + chunk.count)]) == nil, "at \(received)")
            received += chunk.count
        }
        #expect(received == 64 << 20)
    }

    @Test("bytes and text are returned within their limit") func limits() async throws {
        let server = try source(100_000)
        let client = try Client(.get, server.url)
        #expect(try await client.send().bytes(limit: 100_000).count == 100_000)
        let response = try await client.send()
        await expectError(.responseTooLarge) { try await response.bytes(limit: 99_999) }
        #expect(try await client.send().bytes().count == 100_000)
        #expect(server.accepted == 1)
    }

    @Test("a small response can be read after the next request; a large one is discarded") func unread() async throws {
        let small = try source(10_000)
        let client = try Client(.get, small.url)
        let responses = [try await client.send(), try await client.send(), try await client.send()]
        for response in responses { #expect(try await response.bytes().count == 10_000) }
        #expect(small.accepted == 1)

        let big = try source(8 << 20)
        let other = try Client(.get, big.url)
        let first = try await other.send()
        #expect(try await other.send().bytes().count == 8 << 20)
        await expectError(.responseDiscarded) { try await first.bytes() }
    }

    @Test("an endless unread response delays nothing") func endless() async throws {
        let server = try FaultServer { connection in
            while try connection.readHead() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                if connection.number > 1 {
                    try connection.send("2\r\nok\r\n0\r\n\r\n")
                    continue
                }
                while true { try connection.send("4\r\nmore\r\n") }
            }
        }
        let client = try Client(.get, server.url)
        _ = try await client.send()
        #expect(try await client.send().text() == "ok")
        #expect(server.accepted == 2)
    }

    @Test("truncated content is an error after what has arrived", arguments: [true, false])
    func cutOff(chunked: Bool) async throws {
        let server = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.send(
                chunked
                    ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo"
                    : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
            )
        }
        let response = try await Client(.get, server.url).send()
        var text = ""
        await expectError(.connectionLost) {
            for try await chunk in response.body { text += String(decoding: chunk, as: UTF8.self) }
        }
        #expect(text.hasPrefix("hello"))
    }

    @Test("cancelling the reader ends the transfer; the client stays usable") func cancelled() async throws {
        let server = try FaultServer { connection in
            while try connection.readHead() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
                if connection.number == 1 { _ = connection.isClosedByPeer() } else { try connection.send("world") }
            }
        }
        let client = try Client(.get, server.url)
        let response = try await client.send()
        let reading = Task { try await response.text() }
        try await Task.sleep(for: .milliseconds(100))
        reading.cancel()
        await expectError(.cancelled) { try await reading.value }
        #expect(try await client.send().text() == "helloworld")
    }

    @Test("a response outlives its client") func outlives() async throws {
        let server = try source(4 << 20)
        #expect(try await Client(.get, server.url).send().bytes().count == 4 << 20)
    }
}
