import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client.cancel", .serialized, .timeLimit(.minutes(2)))
struct ClientCancelTests {
    private let big = Part.filler(64 << 20)

    /// A server that runs `first` on its first connection and answers all requests on the others.
    private func server(_ first: @escaping @Sendable (RawConnection) throws -> Void) throws -> FaultServer {
        let recorder = Recorder()
        return try FaultServer(receiveBuffer: 8192) { connection in
            if connection.number == 1 { try first(connection) } else { try recorder.serve(connection) }
        }
    }

    /// Cancels when the gate opens; checks the error of `call`, and that the client stays usable.
    private func check(
        _ client: Client, when gate: Gate, delay: Duration = .zero, _ call: @escaping @Sendable () async throws -> Void
    ) async throws {
        let calling = Task { try await call() }
        await gate.opened()
        try await Task.sleep(for: delay)
        client.cancel()
        let error = await expectError(.cancelled, within: .seconds(30)) { try await calling.value }
        #expect(error?.underlying is CancellationError)
        #expect(try await client.send(.field("a", "b")).status == 201)
        await expectError(.nothingOpen) { try await client.close() }
    }

    @Test("cancels while connecting") func connecting() async throws {
        let backlog = FullBacklog()
        let client = try Client(.post, backlog.url)
        for _ in 0..<2 {
            let sending = Task { try await client.send(.field("a", "b")) }
            try await Task.sleep(for: .milliseconds(200))
            client.cancel()
            let error = await expectError(.cancelled) { try await sending.value }
            #expect(error?.bytesSent == 0)
        }
    }

    @Test("cancels while sending, also when paused or throttled", arguments: ["", "paused", "throttled"])
    func sending(how: String) async throws {
        let (started, release) = (Gate(), Gate())
        let server = try server { connection in
            try connection.readBeginning(1000)
            started.open()
            release.wait()
        }
        let client = try Client(.post, server.url)
        if how == "throttled" { client.maximumUploadBytesPerSecond = 20_000 }
        let sending = Task {
            await started.opened()
            if how == "paused" { client.pause() }
            try await Task.sleep(for: .milliseconds(100))
            client.cancel()
            client.resume()
            client.maximumUploadBytesPerSecond = nil
        }
        let error = await expectError(.cancelled) { try await client.send(big) }
        #expect(try #require(error).bytesSent > 0)
        try await sending.value
        release.open()
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("cancels while waiting for the response") func awaitingAnswer() async throws {
        let started = Gate()
        let server = try server { try $0.ignoreRequest(started) }
        let client = try Client(.post, server.url)
        try await check(client, when: started) { _ = try await client.send(.field("a", "b")) }
    }

    @Test("cancels while the response's content is read") func reading() async throws {
        let started = Gate()
        let server = try server { connection in
            _ = try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
            _ = connection.isClosedByPeer()
        }
        let client = try Client(.post, server.url)
        try await check(client, when: started, delay: .milliseconds(50)) {
            for try await _ in try await client.send(.field("a", "b")).body { started.open() }
        }
    }

    @Test("cancels an open request, within a part and between parts", arguments: [true, false])
    func open(isIdle: Bool) async throws {
        let (started, release) = (Gate(), Gate())
        let server = try server { connection in
            try connection.readBeginning()
            started.open()
            release.wait()
        }
        let client = try Client(.post, server.url)
        try await client.sendUnclosed(.field("lost", "1"))
        await started.opened()
        if isIdle {
            client.cancel()
            await expectError(.nothingOpen) { try await client.close() }
        } else {
            try await check(client, when: started, delay: .milliseconds(200)) { try await client.sendUnclosed(big) }
        }
        release.open()
        // A new document, without the first part.
        #expect(try await client.sendUnclosed(.field("a", "b")))
        #expect(try await client.close().status == 201)
    }

    @Test("cancels the running call and all queued ones, but none made later") func queued() async throws {
        let started = Gate()
        let server = try server { try $0.ignoreRequest(started) }
        let client = try Client(.post, server.url)
        let first = Task { try await client.send(.field("a", "b")) }
        await started.opened()
        let others = (0..<5).map { number in
            Task {
                if number % 2 == 0 { try await client.sendUnclosed(.field("a", "b")) }
                return try await client.send(.field("a", "b"))
            }
        }
        try await Task.sleep(for: .milliseconds(200))
        client.cancel()
        for task in [first] + others { await expectError(.cancelled) { try await task.value } }
        #expect(server.accepted == 1)
        #expect(try await client.send(.field("a", "b")).status == 201)
        client.cancel()
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("cancels a stream whose response is read while it is written") func duplex() async throws {
        let server = try server { connection in
            _ = try connection.readHeadAndContinue()
            _ = connection.isClosedByPeer()
            while try !connection.receiveSome().isEmpty {}
        }
        let client = try Client(.post, server.url)
        let stream = try await client.open(contentType: "text/plain")
        try await stream.write(Array("hello".utf8))
        let reading = Task { try await stream.response }
        try await Task.sleep(for: .milliseconds(100))
        client.cancel()
        await expectError(.cancelled) { try await reading.value }
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("cancels between two tries without waiting for the next one") func retrying() async throws {
        let isRefused = Gate()
        let server = try server { connection in
            _ = try connection.readRequest()
            try connection.respond(503, fields: "Retry-After: 100\r\n")
            isRefused.open()
            _ = connection.isClosedByPeer()
        }
        let client = try Client(.post, server.url) { $0.retry = Client.Retry(includesNonIdempotentMethods: true) }
        let calling = Task { try await client.send(.field("a", "b")) }
        await isRefused.opened()
        try await Task.sleep(for: .milliseconds(200))
        client.cancel()
        await expectError(.cancelled, within: .seconds(50)) { try await calling.value }
        #expect(server.accepted == 1)
    }

    @Test("cancelling at any moment ends all calls of all tasks, and the client stays usable")
    func anyMoment() async throws {
        print("ClientCancelTests.anyMoment: TEST_SEED=\(SeededGenerator.seed)")
        var random = SeededGenerator(case: 0)
        let server = try FaultServer(Recorder().serve)
        let client = try Client(.post, server.url)
        var ended = (whole: 0, cancelled: 0)
        for _ in 0..<200 {
            let part = Part.filler(Int(random.next() % 2_000_000))
            let sending = (0..<3).map { number in
                Task {
                    if number == 0 { try await client.sendUnclosed(part) }
                    return try await client.send(part).bytes().count
                }
            }
            try await Task.sleep(for: .microseconds(random.next() % 4000))
            client.cancel()
            for task in sending {
                do {
                    _ = try await task.value
                    ended.whole += 1
                } catch let error as ClientError
                    where [.cancelled, .responseDiscarded].contains(error.code)
                {
                    // Discarded: another task's call ran before this one read its response.
                    ended.cancelled += 1
                }
            }
        }
        print("ClientCancelTests.anyMoment: \(ended)")
        #expect(ended.cancelled > 0)
        client.cancel()
        await expectError(.nothingOpen) { try await client.close() }
        #expect(try await client.send(.field("a", "b")).status == 201)
    }
}
