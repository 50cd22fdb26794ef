import Foundation
import TestSupport
import Testing

@testable import Receiver

/// Requests that do not go on, and responses that are not taken.
@Suite(.timeLimit(.minutes(2))) struct StallTests {
    @Test func aBodyThatStallsIsGivenUp() async throws {
        try await RunningServer.with(configure: { $0.connections.stall = .seconds(2) }) { server in
            let response = try await server.connected { connection in
                try connection.send(RunningServer.head(length: 1000))
                // For longer than the limit, but never without anything for as long.
                for _ in 0..<10 {
                    try connection.send("x")
                    usleep(300_000)
                }
                #expect(!connection.isReadable(within: 0))
                return try connection.receiveResponse()
            }
            #expect(response.status == 408)
            #expect(response.head.contains("Connection: close\r\n"))
            #expect(try await server.contentsWhenSettled().isEmpty)
        }
    }

    /// What this side is slow with is nobody's fault.
    @Test func aSlowStorageStallsNobody() async throws {
        try await RunningServer.with(
            storage: { _ in SlowStorage(delay: .seconds(5)) },
            configure: { $0.connections.stall = .seconds(2) }
        ) { server in
            // More than is read ahead: the request has not come in full while the storage takes its time.
            let body = RunningServer.document([("x", [UInt8](repeating: 7, count: 8 << 20))])
            let status = try await server.post(body).status
            #expect(status == 201)
        }
    }

    @Test func aResponseThatIsNotTakenIsGivenUp() async throws {
        try await RunningServer.with(configure: { $0.connections.stall = .milliseconds(500) }) { server in
            truncate(try server.directory.write([], to: "large"), 1 << 30)
            let size = try await server.connected { connection in
                try connection.send("GET /files/large HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try connection.receive(through: "\r\n\r\n")
                usleep(4_000_000)
                // What the systems' buffers held; then its end.
                var size = 0
                while size < 1 << 30, let piece = try? connection.receiveSome(), !piece.isEmpty { size += piece.count }
                return size
            }
            #expect(size < 64 << 20)
        }
    }
}
