import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, time limits", .serialized, .timeLimit(.minutes(2)))
struct ClientDeadlineTests {
    private let big = Part.filler(32 << 20)

    private func client(
        _ url: String, stall: Duration? = nil, request: Duration? = nil, connect: Duration = .seconds(30)
    ) throws -> Client {
        return try Client(.post, url) {
            $0.stallTimeout = stall
            $0.requestTimeout = request
            $0.connectTimeout = connect
        }
    }

    private func check(
        _ error: ClientError?, _ limit: String, _ phase: String, sent: ClosedRange<Int64> = 0...0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard let error else { return }
        #expect(error.code == .timedOut, sourceLocation: sourceLocation)
        #expect(error.message.contains(limit), "\(error)", sourceLocation: sourceLocation)
        #expect(error.message.contains(phase), "\(error)", sourceLocation: sourceLocation)
        #expect(sent.contains(error.bytesSent), "\(error)", sourceLocation: sourceLocation)
    }

    @Test("a server that stops reading times out", arguments: [true, false])
    func stopsReading(unclosed: Bool) async throws {
        let isDone = Gate()
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            guard connection.number == 1 else { return try Recorder().serve(connection) }
            try connection.readBeginning(1_000_000)
            isDone.wait()
        }
        let client = try client(server.url, stall: .milliseconds(500))
        let error = await #expect(throws: ClientError.self) {
            if unclosed { try await client.sendUnclosed(big) } else { _ = try await client.send(big) }
        }
        check(error, "stallTimeout", "sending", sent: 1_000_000...(32 << 20))
        await expectError(.nothingOpen) { try await client.close() }
        isDone.open()
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("a server that never answers times out") func neverAnswers() async throws {
        let server = try FaultServer { try $0.ignoreRequest() }
        let client = try client(server.url, stall: .milliseconds(300))
        let error = await #expect(throws: ClientError.self) { try await client.send(.field("a", "b")) }
        check(error, "stallTimeout", "waiting for the response", sent: 100...1000)
    }

    @Test("content that stalls, or goes on for too long, times out") func content() async throws {
        let server = try FaultServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
            if connection.number == 1 {
                _ = connection.isClosedByPeer()
            } else {
                while !connection.isReadable(within: 20) { try connection.send("x") }
            }
        }
        var response = try await client(server.url, stall: .milliseconds(300)).send(.field("a", "b"))
        var error = await #expect(throws: ClientError.self) { try await response.bytes() }
        check(error, "stallTimeout", "receiving the response", sent: 100...1000)
        response = try await client(server.url, stall: .seconds(10), request: .seconds(1)).send(.field("a", "b"))
        error = await #expect(throws: ClientError.self) { try await response.bytes() }
        check(error, "requestTimeout", "receiving the response", sent: 100...1000)
    }

    @Test("connecting has its own limit and counts towards the total, not as a stall") func connecting() async throws {
        let backlog = FullBacklog()
        var error = await #expect(throws: ClientError.self) {
            try await client(backlog.url, stall: .milliseconds(100), connect: .milliseconds(600)).send(.field("a", "b"))
        }
        check(error, "connectTimeout", "connecting")
        #expect(error?.curlCode == 28)
        error = await #expect(throws: ClientError.self) {
            try await client(backlog.url, request: .milliseconds(300)).send(.field("a", "b"))
        }
        check(error, "requestTimeout", "connecting")
    }

    @Test("waiting for this side's parts or reader does not time out") func thisSide() async throws {
        let server = try contentServer("", [UInt8](repeating: 1, count: 8 << 20))
        let client = try client(server.url, stall: .seconds(1), request: .seconds(2))
        try await client.sendUnclosed(.field("a", "b"))
        try await Task.sleep(for: .milliseconds(2500))
        let response = try await client.close()
        try await Task.sleep(for: .milliseconds(2500))
        #expect(try await response.bytes().count == 8 << 20)
    }

    @Test("a very low rate limit is not a stall") func throttled() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try client(server.url, stall: .milliseconds(400), request: .seconds(2))
        client.maximumUploadBytesPerSecond = 1
        let sending = Task { try await client.send(.field("a", "b")) }
        try await Task.sleep(for: .milliseconds(2500))
        client.maximumUploadBytesPerSecond = nil
        #expect(try await sending.value.status == 201)
    }

    @Test("a slow server that reads is not a stall, whatever the kernels buffer") func slow() async throws {
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            var left = try #require(head["content-length"].flatMap { Int($0) })
            // Too little to free the sender's socket for some time, but some bytes always move.
            for _ in 0..<60 {
                usleep(50_000)
                left -= try connection.receive(count: 20_000).count
            }
            while left > 0 { left -= try connection.receive(count: min(left, 1 << 20)).count }
            try connection.respond(201)
        }
        let client = try client(server.url, stall: .seconds(1))
        #expect(try await client.send(.filler(8 << 20)).status == 201)
    }

    @Test("invalid limits are refused") func settings() {
        #expect(refusal { $0.stallTimeout = .zero }?.code == .invalidConfiguration)
        #expect(refusal { $0.requestTimeout = .seconds(-1) }?.code == .invalidConfiguration)
        #expect(refusal { $0.maximumUploadBytesPerSecond = 0 }?.code == .invalidConfiguration)
        #expect(refusal { $0.progressInterval = .zero }?.code == .invalidConfiguration)
        #expect(refusal { $0.stallTimeout = nil } == nil)
    }
}
