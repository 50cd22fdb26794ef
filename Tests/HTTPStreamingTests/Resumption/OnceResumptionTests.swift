import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Resumption of content that can be read only once.
@Suite("Client, resumption of pipes and streams", .serialized, .timeLimit(.minutes(2)))
struct OnceResumptionTests {
    enum Way: CaseIterable { case stream, pipe, form, unclosed, gzip }

    private static let size = 6_000_000

    private func stream(_ bytes: [UInt8]) -> Content {
        .stream(
            AsyncStream(of: stride(from: 0, to: bytes.count, by: 50_000).map { Array(bytes[$0...].prefix(50_000)) }))
    }

    private func cutting(_ number: Int) -> @Sendable (RequestHead, Int) -> ResumableServer.Fault {
        var generator = SeededGenerator(case: number)
        let offsets = (0..<5).map { _ in Int.random(in: 0...900_000, using: &generator) }
        let done = Shared(0)
        return { head, _ in
            guard head["upload-complete"] != nil, done.value < offsets.count else { return .none }
            defer { done.update { $0 += 1 } }
            return .cut(after: offsets[done.value])
        }
    }

    @Test("the body arrives byte for byte, cut at random offsets", arguments: Way.allCases) func cuts(way: Way)
        async throws
    {
        let number = Way.allCases.firstIndex(of: way)! + 30
        let content = SeededGenerator.manyBytes(Self.size, case: number)
        var options = ResumableServer.Options()
        options.acknowledging = 200_000
        let server = ResumableServer(options, fault: cutting(number))
        let (listener, client) = try resuming(server) { if way == .gzip { $0.contentCoding = .gzip() } }
        let response: Response
        switch way {
        case .stream, .gzip:
            response = try await client.send(Request(.post, listener.url, content: stream(content)))
        case .pipe:
            let pipe = Pipe()
            Thread.detachNewThread {
                try? pipe.fileHandleForWriting.write(contentsOf: content)
                try? pipe.fileHandleForWriting.close()
            }
            let descriptor = pipe.fileHandleForReading.fileDescriptor
            response = try await client.send(Request(.post, listener.url, content: .descriptor(descriptor)))
            try pipe.fileHandleForReading.close()
        case .form:
            response = try await client.send(.field("a", "b"), Part("c", stream(content)), .field("d", "e"))
        case .unclosed:
            try await client.sendUnclosed(Part("a", stream(Array("b".utf8))))
            try await client.sendUnclosed(Part("c", stream(content)))
            try await client.sendUnclosed(.field("d", "e"))
            response = try await client.close()
        }
        #expect(response.status == 201 && response.metrics.resumptions >= 4, "seed \(SeededGenerator.seed)")
        let body = try #require(server.stored.last).body
        switch way {
        case .stream, .pipe: #expect(firstDifference(body, content) == nil, "seed \(SeededGenerator.seed)")
        case .gzip:
            #expect(try firstDifference(Coding.gzip.decode(body), content) == nil, "seed \(SeededGenerator.seed)")
        case .form, .unclosed:
            let parts = try receivedParts(of: (server.heads.value[0], body, 0))
            #expect(
                parts.map(\.content) == [Array("b".utf8), content, Array("e".utf8)], "seed \(SeededGenerator.seed)")
        }
    }

    @Test("bytes that are no longer kept are an error that says so", arguments: [0, 64 << 10]) func window(bytes: Int)
        async throws
    {
        let server = ResumableServer { _, number in number == 1 ? .stall(after: 10_000) : .none }
        let (listener, client) = try resuming(server) { configuration in
            configuration.resumption = .automatic(window: bytes, retry: quickResumption().retry)
            configuration.stallTimeout = .milliseconds(400)
        }
        let content = stream(SeededGenerator.manyBytes(16_000_000, case: 40))
        let error = await expectError(.cannotSendAgain) {
            try await client.send(Request(.post, listener.url, content: content))
        }
        #expect(error?.message.contains("can be read only once") == true, "\(error?.message ?? "")")
        // Not always as the last one: the server has a thread for each connection, and one may be late.
        #expect(try await eventually { server.methods.contains("DELETE") }, "\(server.methods)")
    }

    @Test("the window is counted by the budget while the request runs") func budget() async throws {
        let gate = Gate()
        let listener = try stallingServer(until: gate)
        let buffers = BufferBudget(limit: 64 << 20) { 1 }
        let client = try Client(.post, listener.url) { configuration in
            configuration.resumption = .automatic(window: 5 << 20)
            configuration.buffers = buffers
        }
        let (url, content) = (listener.url, stream(SeededGenerator.manyBytes(16_000_000, case: 40)))
        let sending = Task { try await client.send(Request(.post, url, content: content)) }
        #expect(try await eventually { buffers.used >= 5 << 20 })
        sending.cancel()
        await expectError(.cancelled) { try await sending.value }
        gate.open()
        #expect(try await eventually { buffers.used == 0 })
    }
}
