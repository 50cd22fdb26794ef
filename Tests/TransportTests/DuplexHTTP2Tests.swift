import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

@Suite("DuplexStream over HTTP/2", .timeLimit(.minutes(5)))
struct DuplexHTTP2Tests {
    /// HTTP/2 only: with HTTP/1.1, Go's server up to 1.20 reads the whole request before it answers.
    private func client(_ path: String) async throws -> (client: Client, server: GoServer) {
        try Peers.requireHTTP2()
        let server = try await GoServer(certificate: "server")
        let configuration = try await Client.Configuration.trusting { $0.httpVersion = .http2 }
        return (try Client(.post, server.url + path, configuration: configuration), server)
    }

    @Test("each line comes back before the next is written") func lines() async throws {
        let (client, server) = try await client("echo")
        defer { withExtendedLifetime(server) {} }
        for _ in 0..<3 {
            let response = try await client.echoLines()
            #expect(response.status == 200)
            #expect(response.metrics.httpVersion == "2")
        }
    }

    @Test("many MiB come back unchanged") func volume() async throws {
        let (client, server) = try await client("echo")
        defer { withExtendedLifetime(server) {} }
        var generator = SeededGenerator(case: 1)
        let content = generator.bytes(16 << 20)
        let stream = try await client.open()
        let writing = Task {
            var rest = content[...]
            while !rest.isEmpty {
                guard try await stream.write(rest.prefix(100_003)) else { break }
                rest = rest.dropFirst(100_003)
            }
            stream.finish()
        }
        var received: [UInt8] = []
        for try await chunk in try await stream.response.body { received += chunk }
        try await writing.value
        #expect(received == content)
    }

    @Test("the response may end first and is whole; the client stays usable") func responseFirst() async throws {
        let (client, server) = try await client("hello")
        defer { withExtendedLifetime(server) {} }
        for _ in 0..<3 {
            let stream = try await client.open()
            try await stream.write([1])
            #expect(try await stream.response.text() == "hello")
            stream.finish()
        }
    }

    @Test("after a refusal write returns false, and the response is available") func refusal() async throws {
        let (client, server) = try await client("refuse")
        defer { withExtendedLifetime(server) {} }
        let stream = try await client.open()
        var isTaken = true
        for _ in 0..<10_000 where isTaken { isTaken = try await stream.write([UInt8](repeating: 1, count: 50_000)) }
        #expect(!isTaken)
        #expect(try await stream.response.status == 413)
    }
}
