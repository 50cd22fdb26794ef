import ContentCoding
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Part.stream", .serialized, .timeLimit(.minutes(2)))
struct PartStreamTests {
    private struct Failure: Error {}

    private let recorder = Recorder()
    private let server: FaultServer
    private let client: Client

    init() throws {
        server = try FaultServer(recorder.serve)
        client = try Client(.post, server.url)
    }

    /// Counts the chunks taken from it, and opens a gate when the iteration has ended.
    private final class Source: Sendable {
        private final class Iteration: Sendable {
            let source: Source

            init(_ source: Source) { self.source = source }
            deinit { source.isOver.open() }
        }

        private let taken = Atomic<Int>(0)
        let isOver = Gate()

        /// - Parameters:
        ///   - chunks: how many are given without delay; then the stream is idle.
        ///   - size: of each.
        func part(chunks: Int = .max, size: Int = 1000) -> Part {
            Part(
                "file",
                .stream { [self] in
                    let iteration = Iteration(self)
                    return AsyncThrowingStream<[UInt8], any Error> {
                        if iteration.source.count == chunks { try await Task.sleep(for: .seconds(100)) }
                        iteration.source.taken.add(1, ordering: .relaxed)
                        return [UInt8](repeating: 0x61, count: size)
                    }
                }, filename: "live")
        }

        var count: Int { taken.load(ordering: .relaxed) }
    }

    @Test("chunks of any size arrive whole, with and without a length, coded or not", arguments: 0..<8)
    func chunks(number: Int) async throws {
        print("seed \(SeededGenerator.seed)")
        let content = bottles([0, 1, 70_000, 6_000_000][number / 2])
        let length = number % 2 == 0 ? nil : Int64(content.count)
        let coding = try Client(server, .gzip())
        let chunks = Chunks(content: content, number: number)
        _ = try await client.send(Part("file", .stream(chunks, length: length), filename: "s.txt"), .field("a", "b"))
        _ = try await coding.send(
            Part("file", .stream(chunks, length: length)), Part("file", .stream(chunks, length: length)).gzipped())
        let head = recorder.request(0).head
        #expect(head["content-length"] == length.map { _ in "\(recorder.request(0).body.count)" })
        #expect((head["transfer-encoding"] == nil) == (length != nil))
        let parts = try receivedParts(of: recorder.request(0))
        #expect(parts.map(\.content) == [content, Array("b".utf8)])
        #expect(parts[0].filename == "s.txt" && parts[0].contentType == "text/plain")
        let coded = try receivedParts(of: recorder.request(1))
        #expect(coded[0].content == content)
        #expect(try Coding.gzip.decode(coded[1].content) == content)
    }

    @Test("chunks may be arrays, slices, Data or any other collection of bytes") func elements() async throws {
        _ = try await client.send(
            Part("file", .stream(AsyncStream(of: [[1, 2] as [UInt8]]))),
            Part("file", .stream(AsyncStream(of: [[0, 1, 2, 3][1...2] as ArraySlice<UInt8>]))),
            Part("file", .stream(AsyncStream(of: [Data([0, 1, 2])[1...]]))),
            Part("file", .stream(AsyncStream(of: [repeatElement(UInt8(1), count: 2)]))),
            Part("file", .stream(AsyncStream(of: [[[1], [2]].joined().map { UInt8($0) }]))))
        let parts = try receivedParts(of: recorder.request(0))
        #expect(parts.map(\.content) == [[1, 2], [1, 2], [1, 2], [1, 1], [1, 2]])
    }

    @Test("chunks of another total length are an error that names it; no complete document arrives")
    func wrongLengths() async throws {
        for (count, length, text) in [
            (100_000, 100_001, "live: the source ended after 100000 of 100001 bytes"),
            (100_000, 99_999, "live: the source has more bytes than its length, 99999"),
            (100_000, 0, "live: the source has more bytes than its length, 0"),
            (0, 1, "live: the source ended after 0 of 1 bytes"),
            (100_000, Int(Int64.max), "live: the source ended after 100000 of \(Int64.max) bytes"),
        ] {
            let (server, received, isOver) = try swallowingServer()
            let chunks = Chunks(content: bottles(count), number: 3)
            let error = await expectError(.sourceChanged) {
                try await Client(.post, server.url).send(
                    Part("file", .stream(chunks, length: Int64(length)), filename: "live"))
            }
            #expect(error?.message == text)
            await isOver.opened()
            #expect(!received.value.suffix(40).contains("--\r\n".utf8), "\(text)")
        }
        let error = await #expect(throws: ClientError.self) {
            try await Client(.post, server.url).send(Part("file", .stream(Chunks(content: [], number: 1), length: -1)))
        }
        #expect(error?.description == "file: the length is negative")
    }

    @Test("the last byte is sent only after the sequence has ended") func lastByte() async throws {
        let received = Shared(0)
        let server = try FaultServer { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            for _ in 0..<(Int(head["content-length"] ?? "") ?? 0) {
                _ = try connection.receive(count: 1)
                received.update { $0 += 1 }
            }
            try connection.respond(201)
        }
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let task = Task { try await Client(.post, server.url).send(Part("file", .stream(stream, length: 3))) }
        continuation.yield([1, 2, 3])
        try await Task.sleep(for: .milliseconds(300))
        let before = received.value
        #expect(before > 0)
        continuation.finish()
        #expect(try await task.value.status == 201)
        // That byte and the framing after it.
        #expect(received.value > before + 1)
    }

    @Test("an error of the sequence at its start, in its middle or at its creation fails the request")
    func throwing() async throws {
        for count in [0, 1, 100_000] {
            let stream = AsyncThrowingStream<[UInt8], any Error> { continuation in
                if count > 0 { continuation.yield([UInt8](repeating: 1, count: count)) }
                continuation.finish(throwing: Failure())
            }
            let error = await expectError(.sourceUnreadable) {
                try await client.send(Part("file", .stream(stream), filename: "live"))
            }
            #expect(error?.underlying is Failure)
            #expect(error?.message == "live: Failure()")
        }
        let error = await #expect(throws: ClientError.self) {
            try await client.send(
                Part("file", .stream { () async throws -> AsyncStream<[UInt8]> in throw Failure() }, filename: "live"))
        }
        #expect(error?.underlying is Failure)
        #expect(recorder.count == 0)
        // The client is usable.
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("a server that does not read suspends the sequence") func backPressure() async throws {
        let gate = Gate()
        let server = try FaultServer(receiveBuffer: 4096) { connection in
            _ = try connection.readHeadAndContinue()
            gate.wait()
        }
        let source = Source()
        let client = try Client(.post, server.url)
        let task = Task { try await client.send(source.part(size: 10_000)) }
        // Until the sequence is suspended.
        var (before, count) = (-1, 0)
        for _ in 0..<100 where count == 0 || before != count {
            before = count
            try await Task.sleep(for: .milliseconds(300))
            count = source.count
        }
        #expect(before == count)
        // The kernel's send buffer, libcurl's, and the queue.
        #expect(count * 10_000 < 16 << 20)
        print("stood still after \(count * 10_000) bytes")
        task.cancel()
        await expectError(.cancelled) { try await task.value }
        #expect(await source.isOver.opened())
        gate.open()
    }

    @Test("cancelling the send cancels the iterating task") func cancellation() async throws {
        let source = Source()
        let task = Task { try await client.send(source.part(chunks: 2)) }
        #expect(try await eventually { source.count == 2 && server.accepted == 1 })
        task.cancel()
        await expectError(.cancelled) { try await task.value }
        #expect(await source.isOver.opened())
    }

    @Test(
        "a refusal during the stream, or while it is idle, is the response and ends the iteration",
        arguments: [2, Int.max])
    func refused(chunks: Int) async throws {
        let server = try refusingServer(413, "too long")
        let source = Source()
        #expect(try await Client(.post, server.url).send(source.part(chunks: chunks)).summary() == "413 too long")
        #expect(await source.isOver.opened())
    }

    @Test("a server that closes while the stream is idle is an error at once") func hangUp() async throws {
        let server = try FaultServer { try $0.readBeginning() }
        let source = Source()
        await expectError(.connectionLost) { try await Client(.post, server.url).send(source.part(chunks: 2)) }
        #expect(await source.isOver.opened())
    }

    @Test("a stream that can be read once is refused a second time; one made anew is accepted")
    func twice() async throws {
        let part = Part("file", .stream(Chunks(content: bottles(10), number: 1)), filename: "live")
        #expect(!part.content.isRepeatable)
        _ = try await client.send(part)
        let again = await expectError(.cannotSendAgain) { try await client.send(part) }
        #expect(again?.description == "live: the source can be read only once and has already been read")
        let repeatable = Part("file", .stream { Chunks(content: bottles(10), number: 1) })
        #expect(repeatable.content.isRepeatable)
        _ = try await client.send(repeatable, repeatable)
        #expect(try receivedParts(of: recorder.request(1)).map(\.content) == [bottles(10), bottles(10)])
    }

    @Test("ten thousand tiny chunks arrive in order") func tinyChunks() async throws {
        let content = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        _ = try await client.send(Part("file", .stream(AsyncStream(of: content.map { [$0] }))))
        #expect(try receivedParts(of: recorder.request(0)).map(\.content) == [content])
    }

    @Test("stalled streams do not delay other clients") func stalled() async throws {
        let sources = (0..<20).map { _ in Source() }
        let tasks = try sources.map { source in
            let client = try Client(.post, server.url)
            return Task { try await client.send(source.part(chunks: 1)).status }
        }
        #expect(try await eventually { server.accepted == sources.count && sources.allSatisfy { $0.count == 1 } })
        for _ in 0..<8 {
            let client = try Client(.post, server.url)
            for _ in 0..<3 { #expect(try await client.send(Part("file", .bytes(bottles(200_000)))).status == 201) }
        }
        for task in tasks { task.cancel() }
        for task in tasks { await #expect(throws: ClientError.self) { try await task.value } }
    }
}
