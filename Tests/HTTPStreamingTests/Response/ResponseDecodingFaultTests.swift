import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Response decoding, faults", .timeLimit(.minutes(2)))
struct ResponseDecodingFaultTests {
    private let text = Array((0..<20_000).map { "line \($0)\n" }.joined().utf8)

    /// The content before the error and the error; checks that later reads throw the same.
    private func failure(_ response: Response) async throws -> (content: [UInt8], error: ClientError) {
        var content: [UInt8] = []
        let error = try #require(
            await #expect(throws: ClientError.self) { for try await chunk in response.body { content += chunk } })
        for _ in 0..<3 {
            let again = await #expect(throws: ClientError.self) { for try await _ in response.body {} }
            #expect(again?.code == error.code)
        }
        return (content, error)
    }

    @Test("corrupt data and data after the end are errors, also for later reads", arguments: Coding.allCases)
    func corrupt(coding: Coding) async throws {
        let good = try coding.encode(text)
        var flipped = good
        flipped[good.count / 2] ^= 4
        var checksum = good
        checksum[good.count - (coding == .gzip ? 5 : 1)] ^= 1
        let cases = [
            (flipped, CodingError.Code.corrupt), (checksum, .corrupt), (good + [0, 1], .trailingData), (text, .corrupt),
        ]
        for (content, code) in cases {
            let server = try contentServer("Content-Encoding: \(coding)\r\n", content)
            let client = try Client(.get, server.url)
            let (received, error) = try await failure(try await client.send())
            #expect(error.code == .invalidContent && (error.underlying as? CodingError)?.code == code, "\(error)")
            // The checksum comes last: the changed content has been returned by then.
            if content != flipped { #expect(text.starts(with: received)) }
            // The connection is kept.
            #expect(try await client.send().status == 200 && server.accepted == 1)
        }
    }

    @Test("truncated coded data in a complete message is an error", arguments: Coding.allCases, [true, false])
    func truncated(coding: Coding, chunked: Bool) async throws {
        let data = try coding.encode(text)
        for count in [1, 2, 11, data.count / 2, data.count - 5, data.count - 1] {
            let server = try FaultServer { connection in
                _ = try connection.readHead()
                let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(count)"
                try connection.send("HTTP/1.1 200 OK\r\n\(framing)\r\nContent-Encoding: \(coding)\r\n\r\n")
                if chunked { try connection.send("\(String(count, radix: 16))\r\n") }
                try connection.send(Array(data[..<count]))
                if chunked { try connection.send("\r\n0\r\n\r\n") }
            }
            let (received, error) = try await failure(try await Client(.get, server.url).send())
            #expect(error.code == .invalidContent, "after \(count): \(error)")
            #expect((error.underlying as? CodingError)?.code == .truncated)
            #expect(text.starts(with: received) && (received.count > 0) == (count > 11))
        }
    }

    @Test("a lost connection is reported as such, whatever the coding", arguments: [true, false])
    func connectionLost(resets: Bool) async throws {
        let data = try Coding.gzip.encode(text)
        let server = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(data.count)\r\nContent-Encoding: gzip\r\n\r\n")
            try connection.send(Array(data[..<(data.count / 2)]))
            if resets { connection.reset() }
        }
        let (received, error) = try await failure(try await Client(.get, server.url).send())
        #expect(error.code == .connectionLost)
        #expect(text.starts(with: received))
        if !resets { #expect(received.count > text.count / 4) }
    }
}
