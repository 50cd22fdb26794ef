import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, pause and resume", .serialized, .timeLimit(.minutes(2)))
struct ClientPauseTests {
    private let big = Part.filler(16 << 20)

    /// A server that reads a part of the first body, opens the gate and runs `then`.
    private func server(
        reading count: Int = 1_000_000, _ started: Gate, then: @escaping @Sendable (RawConnection) throws -> Void
    ) throws -> FaultServer {
        try FaultServer(receiveBuffer: 8192) { connection in
            try connection.readBeginning(count)
            started.open()
            try then(connection)
        }
    }

    @Test("a pause longer than the time limits is no error, and nothing is sent during it")
    func longerThanTheLimits() async throws {
        let started = Gate()
        let received = Shared(0)
        let server = try FaultServer { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            var left = try #require(head["content-length"].flatMap { Int($0) })
            while left > 0 {
                let count = try connection.receive(count: min(left, 65536)).count
                left -= count
                received.update { $0 += count }
                if received.value > 1_000_000 { started.open() }
            }
            try connection.respond(201)
        }
        let client = try Client(.post, server.url) {
            $0.stallTimeout = .seconds(1)
            $0.requestTimeout = .seconds(4)
            $0.maximumUploadBytesPerSecond = 1 << 20
        }
        let sending = Task { try await client.send(big) }
        await started.opened()
        client.pause()
        client.pause()
        #expect(client.isPaused)
        try await Task.sleep(for: .milliseconds(500))
        let before = received.value
        #expect(before < 16 << 20)
        try await Task.sleep(for: .milliseconds(4500))
        #expect(received.value == before)
        client.maximumUploadBytesPerSecond = nil
        client.resume()
        client.resume()
        #expect(!client.isPaused)
        #expect(try await sending.value.status == 201)
        #expect(received.value > 16 << 20)
    }

    @Test("a pause before the request delays its body, not its header") func before() async throws {
        let hasBody = Shared<Bool?>(nil)
        let server = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            hasBody.set(connection.isReadable(within: 500))
            try connection.respond(201, "\(try connection.readBody(of: head).count)")
        }
        let client = try Client(.post, server.url)
        client.pause()
        let sending = Task { try await client.send(.field("a", "b")) }
        #expect(try await eventually { hasBody.value == false })
        client.resume()
        #expect(try await sending.value.status == 201)
    }

    @Test("parts added during a pause are sent after it; the pause outlasts the request") func starved() async throws {
        let (recorder, _, client) = try recording()
        try await client.sendUnclosed(.field("a", "1"))
        client.pause()
        let isSent = Gate()
        let adding = Task {
            try await client.sendUnclosed(.field("b", "2"))
            isSent.open()
        }
        try await Task.sleep(for: .milliseconds(300))
        #expect(!isSent.isOpened)
        client.resume()
        try await adding.value
        client.pause()
        let closing = Task { try await client.close() }
        try await Task.sleep(for: .milliseconds(300))
        #expect(recorder.requests.isEmpty)
        client.resume()
        #expect(try await closing.value.status == 201)
        #expect(try recorder.lastParts().map(\.content) == [Array("1".utf8), Array("2".utf8)])
    }

    @Test("a refusal during a pause is returned", arguments: ["", "Connection: close\r\n"])
    func refused(fields: String) async throws {
        let (started, isPaused) = (Gate(), Gate())
        let server = try server(started) { connection in
            isPaused.wait()
            // The bytes that libcurl had already received.
            while connection.isReadable(within: 300), try !connection.receiveSome().isEmpty {}
            try connection.respond(413, "too big", fields: fields)
            _ = connection.isClosedByPeer()
        }
        let client = try Client(.post, server.url)
        let sending = Task { try await client.send(big) }
        await started.opened()
        client.pause()
        isPaused.open()
        let response = try await sending.value
        #expect(try await response.summary() == "413 too big")
        #expect(response.bytesSent < 16 << 20)
    }

    @Test("a server that closes during a pause is noticed at once", arguments: [true, false])
    func hangUp(resets: Bool) async throws {
        let (started, isPaused) = (Gate(), Gate())
        let server = try server(started) { connection in
            isPaused.wait()
            while connection.isReadable(within: 300), try !connection.receiveSome().isEmpty {}
            if resets { connection.reset() }
        }
        let client = try Client(.post, server.url)
        let sending = Task { try await client.send(big) }
        await started.opened()
        client.pause()
        isPaused.open()
        // The stall timeout would take five minutes.
        let error = await expectError(.connectionLost, within: .seconds(20)) { try await sending.value }
        #expect(try #require(error).bytesSent >= 1_000_000)
    }

    @Test("pausing, resuming and throttling at random do not change the body", arguments: [true, false])
    func anyMoment(coded: Bool) async throws {
        print("ClientPauseTests.anyMoment: TEST_SEED=\(SeededGenerator.seed)")
        var random = SeededGenerator(case: 0)
        let (recorder, _, client) = try recording { $0.contentCoding = coded ? .gzip(level: 1) : .identity }
        let content = (0..<4).map { _ in bottles(500_000 + Int(random.next() % 1_500_000)) }
        let isDone = Gate()
        let disturbing = (0..<3).map { number in
            Task {
                var random = SeededGenerator(case: number + 1)
                while !isDone.isOpened {
                    switch random.next() % 4 {
                    case 0: client.pause()
                    case 1: client.maximumUploadBytesPerSecond = 1 << (14 + random.next() % 12)
                    case 2: client.maximumUploadBytesPerSecond = nil
                    default: break
                    }
                    try? await Task.sleep(for: .microseconds(random.next() % 5000))
                    client.resume()
                }
            }
        }
        for part in content.dropLast() { #expect(try await client.sendUnclosed(Part("file", .bytes(part)))) }
        #expect(try await client.send(Part("file", .bytes(content[3]))).status == 201)
        isDone.open()
        for task in disturbing { await task.value }
        #expect(try recorder.lastParts().map(\.content) == content)
    }
}
