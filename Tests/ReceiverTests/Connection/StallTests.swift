import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Stalled requests and responses", .timeLimit(.minutes(2)))
struct StallTests {
    @Test("a body that stalls gets 408; a slow one does not") func stalledBody() async throws {
        try await RunningServer.with(configure: { $0.connections.stall = .seconds(2) }) { server in
            let response = try await server.connected { connection in
                try connection.send(RunningServer.head(length: 1000))
                // The whole takes longer than the limit, but no pause does.
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

    @Test("time that the storage takes is not a stall of the client") func slowStorage() async throws {
        try await RunningServer.with(
            storage: { _ in SlowStorage(delay: .seconds(5)) },
            configure: { $0.connections.stall = .seconds(2) }
        ) { server in
            // More than the server reads ahead, so that the request is incomplete while the storage is slow.
            let body = RunningServer.document([("x", [UInt8](repeating: 7, count: 8 << 20))])
            let status = try await server.post(body).status
            #expect(status == 201)
        }
    }

    @Test("a response that the client does not read is aborted") func unreadResponse() async throws {
        try await RunningServer.with(configure: { $0.connections.stall = .milliseconds(500) }) { server in
            truncate(try server.directory.write([], to: "large"), 1 << 30)
            let size = try await server.connected { connection in
                try connection.send("GET /files/large HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try connection.receive(through: "\r\n\r\n")
                usleep(4_000_000)
                // Reads what the system has buffered, then the end.
                var size = 0
                while size < 1 << 30, let piece = try? connection.receiveSome(), !piece.isEmpty { size += piece.count }
                return size
            }
            #expect(size < 64 << 20)
        }
    }
}
