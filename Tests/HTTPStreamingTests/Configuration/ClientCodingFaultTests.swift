import ContentCoding
import Foundation
import HTTPStreaming
import TestSupport
import Testing

@Suite("Client, content codings and faults", .timeLimit(.minutes(2)))
struct ClientCodingFaultTests {
    @Test("a kept connection that turns out dead: the coded body is sent again whole", arguments: [false, true])
    func again(readsSome: Bool) async throws {
        // Either a read or a write notices it, with and without blocks that are still being encoded.
        for round in 0..<10 { try await resetsKeptConnection(readsSome: readsSome, size: round * 400_000) }
    }

    private func resetsKeptConnection(readsSome: Bool, size: Int) async throws {
        let recorder = Recorder()
        let server = try FaultServer { connection in
            guard connection.number == 1 else { return try recorder.serve(connection) }
            guard try connection.readRequest() != nil else { return }
            try connection.respond(201)
            _ = try connection.readHead()
            if readsSome { _ = try connection.receiveSome() }
            connection.reset()
        }
        let client = try Client(.post, server.url) {
            $0.contentCoding = .gzip(workers: 2)
            // Otherwise no body would be sent before the connection is found dead.
            $0.expect = .never
        }
        _ = try await client.send(.field("first", "1"))
        let content = bottles(size)
        _ = try await client.send(Part("file", .bytes(content)), Part("z", .bytes(content)).gzipped())
        let parts = try recorder.lastParts()
        #expect(parts.first?.content == content)
        #expect(try Coding.gzip.decode(parts.last?.content ?? []) == content)
        #expect(server.accepted == 2)
    }

    @Test("a refusal in mid-body and a cancelled call leave the client usable", arguments: [false, true])
    func ended(isCancelled: Bool) async throws {
        let recorder = Recorder()
        let hasBegun = Gate()
        let server = try FaultServer { connection in
            guard connection.number == 1 else { return try recorder.serve(connection) }
            try connection.readBeginning()
            hasBegun.open()
            if isCancelled {
                _ = connection.isClosedByPeer()
            } else {
                try connection.respond(413, "too much", fields: "Connection: close\r\n")
            }
        }
        let client = try Client(server, .gzip(level: 9))
        let content = bottles(20_000_000)
        let call = Task { try await client.send(Part("file", .bytes(content))) }
        if isCancelled {
            await hasBegun.opened()
            call.cancel()
            await #expect(throws: ClientError.self) { try await call.value }
        } else {
            #expect(try await call.value.summary() == "413 too much")
        }
        _ = try await client.send(.field("a", "b"))
        #expect(try recorder.lastParts().map(\.name) == ["a"])
    }

    @Test("a file that changes while it is encoded fails the request") func changed() async throws {
        let (hasBegun, isChanged) = (Gate(), Gate())
        let server = try FaultServer(receiveBuffer: 4096) { connection in
            try connection.readBeginning()
            hasBegun.open()
            isChanged.wait()
            while case let chunk = try connection.readChunk(), !chunk.isEmpty {}
        }
        let client = try Client(server, .gzip(level: 0))
        let directory = try TemporaryDirectory()
        let path = try directory.write(bottles(30_000_000), to: "log.txt")
        let call = Task { try await client.send(.file(path)) }
        await hasBegun.opened()
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 1000)
        try file.close()
        isChanged.open()
        await expectError(.sourceChanged) { try await call.value }
    }

    #if os(Linux)
    @Test("encoding starts no thread, whatever the number of workers") func threads() async {
        await #expect(processExitsWith: .success) {
            // The threads of the concurrency library for computation.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        let end = ContinuousClock.now + .milliseconds(20)
                        while ContinuousClock.now < end {}
                    }
                }
            }
            let server = try FaultServer(Recorder().serve)
            var before: [String] = []
            for coding in [Client.ContentCoding.identity, .gzip(workers: 1), .gzip(level: 9, workers: 8)] {
                let client = try Client(.post, server.url) { $0.contentCoding = coding }
                _ = try await client.send(Part("file", .bytes(bottles(10_000_000)))) { _ in }
                // Dispatch keeps an idle thread for some seconds.
                let after = try Self.dispatchThreads()
                if coding == .identity { before = after }
                try #require(
                    Set(after).isSubset(of: before) && after.count <= before.count, "\(coding): \(after), not \(before)"
                )
            }
        }
    }

    /// The names of the threads of this process that are Dispatch's, sorted.
    private static func dispatchThreads() throws -> [String] {
        let tasks = "/proc/self/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks)
            .compactMap { try? String(contentsOfFile: "\(tasks)/\($0)/comm", encoding: .utf8) }
            .filter { $0.contains("-qos") && !$0.contains("overcommit") }.sorted()
    }
    #endif
}
