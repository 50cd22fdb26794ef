import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Fault table, idle connections", .serialized, .timeLimit(.minutes(3)))
struct FaultTableIdleTests {
    @Test(
        "bytes on an idle connection are not taken for the next response, which uses another connection",
        arguments: [
            "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 Smuggled\r\nContent-Length: 0\r\n\r\n",
            "x",
        ],
        [true, false]
    )
    func stray(bytes: String, closes: Bool) async throws {
        let hasSent = Gate()
        let server = try FaultServer { connection in
            while let (_, body) = try connection.readRequest() {
                try connection.respond(201, "\(body.count)")
                guard connection.number == 1 else { continue }
                // Not together with the end of the response: libcurl would see it.
                _ = connection.isReadable(within: 100)
                try connection.send(bytes)
                if closes { connection.finishSending() }
                hasSent.open()
            }
        }
        let client = try Client(.post, server.url)
        let first = try await client.send(.field("a", "b"))
        #expect(try await first.text() == "\(first.bytesSent)")
        await hasSent.opened()
        let second = try await client.send(.field("a", "b"))
        #expect(try await second.summary() == "201 \(second.bytesSent)")
        #expect(server.accepted == 2)
    }
}
