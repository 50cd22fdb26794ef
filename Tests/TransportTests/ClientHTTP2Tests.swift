import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

@Suite("Client over HTTP/2", .timeLimit(.minutes(5)))
struct ClientHTTP2Tests {
    /// Servers with TLS and without, with the client's configuration for each.
    private func peers() async throws -> [(server: GoServer, configuration: Client.Configuration)] {
        try Peers.requireHTTP2()
        return [
            (try await GoServer(certificate: "server"), try await .trusting { $0.httpVersion = .automatic }),
            (try await GoServer.h2c(), try await .trusting { $0.httpVersion = .http2PriorKnowledge }),
        ]
    }

    @Test("uploads with prior knowledge, without TLS") func priorKnowledge() async throws {
        try Peers.requireHTTP2()
        let server = try await GoServer.h2c()
        let configuration = try await Client.Configuration.trusting { $0.httpVersion = .http2PriorKnowledge }
        try await exchange(server.url, configuration, proto: "HTTP/2.0")
        // Without TLS HTTP/1.1 is used unless prior knowledge is configured.
        try await exchange(server.url, .trusting { $0.httpVersion = .automatic }, proto: "HTTP/1.1")
    }

    @Test("an open request's parts arrive, whatever the time between them") func gaps() async throws {
        for (server, configuration) in try await peers() {
            let client = try Client(.post, server.url, configuration: configuration)
            for round in 0..<3 {
                for part in 0..<20 {
                    let size = part % 3 == 0 ? 300_000 : part
                    #expect(try await client.sendUnclosed(.filler(size)))
                    if part % 5 == 0 { try await Task.sleep(for: .milliseconds(30)) }
                }
                let response = try await client.close()
                let sizes = try await response.answer().parts.map(\.size)
                #expect(sizes == (0..<20).map { $0 % 3 == 0 ? 300_000 : $0 })
                #expect(response.metrics.connectionsOpened == (round == 0 ? 1 : 0))
                #expect(response.metrics.httpVersion == "2")
            }
        }
    }

    @Test("refusals before and in mid-body are returned, with and without a length") func refusals() async throws {
        for (server, configuration) in try await peers() {
            for path in ["refuse", "refuse-later"] {
                for _ in 0..<5 {
                    let client = try Client(.post, server.url + path, configuration: configuration)
                    let response = try await client.send(.filler(16 << 20))
                    #expect(try await response.summary() == "413 too large")
                    #expect(response.bytesSent < 16 << 20)
                    // And once more, in an open request.
                    while try await client.sendUnclosed(.filler(1 << 20)) {}
                    #expect(try await client.close().summary() == "413 too large")
                }
            }
        }
    }

    @Test("a refusal between two parts is returned") func refusalWhileStarved() async throws {
        for (server, configuration) in try await peers() {
            let client = try Client(.post, server.url + "refuse", configuration: configuration)
            _ = try await client.sendUnclosed(.field("a", "b"))
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await client.sendUnclosed(.field("a", "b")) == false)
            #expect(try await client.close().summary() == "413 too large")
        }
    }

    @Test("a success before the end of the body is returned") func earlySuccess() async throws {
        for (server, configuration) in try await peers() {
            let client = try Client(.post, server.url + "accept", configuration: configuration)
            do {
                let response = try await client.send(.filler(16 << 20))
                #expect(try await response.summary() == "202 never mind")
            } catch let error as ClientError {
                print("early success: \(error.code) \(error)")
                #expect(error.code == .connectionLost)
            }
        }
    }

    @Test("a stream reset or a lost connection is an error, in mid-body and between parts") func lost() async throws {
        for (server, configuration) in try await peers() {
            for path in ["abort", "die"] {
                let client = try Client(.post, server.url + path, configuration: configuration)
                let error = await #expect(throws: ClientError.self) {
                    _ = try await client.send(.filler(16 << 20))
                }
                #expect(error?.code == .connectionLost, "\(path): \(String(describing: error))")
                let starved = await #expect(throws: ClientError.self) {
                    _ = try await client.sendUnclosed(.field("a", String(repeating: "b", count: 1000)))
                    try await Task.sleep(for: .milliseconds(300))
                    _ = try await client.sendUnclosed(.field("a", "b"))
                    _ = try await client.close()
                }
                #expect(starved?.code == .connectionLost, "\(path): \(String(describing: starved))")
            }
        }
    }

    @Test("after GOAWAY the response arrives, and the next request opens a new connection") func goAway() async throws {
        for (server, configuration) in try await peers() {
            let client = try Client(.post, server.url + "goaway", configuration: configuration)
            for _ in 0..<3 {
                let response = try await client.send(.filler(4 << 20))
                #expect(response.status == 201)
                #expect(try await response.answer().parts.map(\.size) == [4 << 20])
                #expect(try await client.sendUnclosed(.field("a", "b")))
                try await Task.sleep(for: .milliseconds(50))
                #expect(try await client.close().status == 201)
            }
        }
    }

    @Test("slow servers and slow readers work; an unread response delays nothing") func flowControl() async throws {
        for (server, configuration) in try await peers() {
            let slow = try Client(.post, server.url + "slow", configuration: configuration)
            let upload = try await slow.send(.filler(8 << 20))
            #expect(try await upload.answer().parts.map(\.size) == [8 << 20])
            let client = try Client(.get, server.url + "content?size=\(8 << 20)", configuration: configuration)
            let response = try await client.send()
            var count = 0
            for try await chunk in response.body {
                for (index, byte) in chunk.enumerated()
                where byte != UInt8(truncatingIfNeeded: ((count + index) % 65536 * 7) >> 3) {
                    Issue.record("byte \(count + index)")
                    return
                }
                count += chunk.count
                if count % (1 << 20) < 16384 { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(count == 8 << 20)
            #expect(response.metrics.bodyBytesReceived == 8 << 20)
            #expect(response.metrics.total != nil)
            _ = try await client.send()
            #expect(try await client.send().bytes().count == 8 << 20)
        }
    }
}
