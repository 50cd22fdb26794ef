import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, cancelled tasks", .serialized, .timeLimit(.minutes(2)))
struct ClientCancellationTests {
    /// A server that stops reading in its first request until `release` opens, and answers the others.
    private func server(_ stalled: Gate, release: Gate) throws -> FaultServer {
        let recorder = Recorder()
        return try FaultServer(receiveBuffer: 8192) { connection in
            guard connection.number == 1 else { return try recorder.serve(connection) }
            try connection.readBeginning(1_000_000)
            stalled.open()
            release.wait()
        }
    }

    private let big = Part.filler(64 << 20)

    @Test("cancelling in mid-body ends the transfer at once; the client stays usable") func midBody() async throws {
        let (stalled, release) = (Gate(), Gate())
        let server = try server(stalled, release: release)
        let client = try Client(.post, server.url)
        let sending = Task { try await client.send(big) }
        await stalled.opened()
        sending.cancel()
        let error = await expectError(.cancelled, within: .seconds(30)) { try await sending.value }
        #expect(error?.underlying is CancellationError)
        #expect(try #require(error).bytesSent > 0)
        release.open()
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("cancelling ends an open request; its parts do not appear in the next one") func unclosed() async throws {
        let (stalled, release) = (Gate(), Gate())
        let server = try server(stalled, release: release)
        let client = try Client(.post, server.url)
        try await client.sendUnclosed(.field("first", "1"))
        let sending = Task { try await client.sendUnclosed(big) }
        await stalled.opened()
        sending.cancel()
        await expectError(.cancelled) { try await sending.value }
        await expectError(.nothingOpen) { try await client.close() }
        release.open()
        try await client.sendUnclosed(.field("a", "b"))
        #expect(try await client.close().status == 201)
    }

    @Test("cancelling works before the start, in the queue, and while waiting for the response")
    func elsewhere() async throws {
        let server = try FaultServer { _ in }
        let client = try Client(.post, server.url)
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await client.send(.field("a", "b"))
        }
        await expectError(.cancelled) { try await early.value }

        let silent = try FaultServer { try $0.ignoreRequest() }
        let waiting = try Client(.post, silent.url)
        let first = Task { try await waiting.send(.field("a", "b")) }
        try await Task.sleep(for: .milliseconds(100))
        let second = Task { try await waiting.send(.field("a", "b")) }
        try await Task.sleep(for: .milliseconds(50))
        second.cancel()
        await expectError(.cancelled) { try await second.value }
        first.cancel()
        await expectError(.cancelled) { try await first.value }
    }

    @Test("cancelling at any moment never hangs or crashes, and the client stays usable")
    func anyMoment() async throws {
        print("ClientCancellationTests.anyMoment: TEST_SEED=\(SeededGenerator.seed)")
        var random = SeededGenerator(case: 0)
        let server = try FaultServer { connection in
            while let (_, body) = try connection.readRequest() {
                try connection.respond(201, String(repeating: "x", count: body.count % 100_000))
            }
        }
        let client = try Client(.post, server.url)
        var ended = (whole: 0, cancelled: 0)
        for round in 0..<300 {
            let part = Part.filler(Int(random.next() % 4_000_000))
            let isUnclosed = round % 3 == 0
            let sending = Task {
                if isUnclosed { try await client.sendUnclosed(part) }
                return try await client.send(part).bytes().count
            }
            try await Task.sleep(for: .microseconds(random.next() % 4000))
            sending.cancel()
            do {
                _ = try await sending.value
                ended.whole += 1
            } catch let error as ClientError where error.code == .cancelled {
                ended.cancelled += 1
            }
        }
        print("ClientCancellationTests.anyMoment: \(ended)")
        #expect(ended.cancelled > 0)
        // Ends a request that a cancelled task left open between its calls.
        _ = try? await client.close()
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("releasing a client aborts its open request and closes its connection") func deinitialized() async throws {
        let closed = Shared(0)
        let server = try FaultServer { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            if head["transfer-encoding"] != nil {
                _ = try connection.readChunk()
            } else {
                _ = try connection.readBody(of: head)
                try connection.respond(201)
            }
            if connection.isClosedByPeer() { closed.update { $0 += 1 } }
        }
        do {
            let client = try Client(.post, server.url)
            try await client.sendUnclosed(.field("a", "b"))
        }
        do { #expect(try await Client(.post, server.url).send(.field("a", "b")).status == 201) }
        #expect(try await eventually { closed.value == 2 })
    }
}
