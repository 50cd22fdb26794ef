import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, progress", .serialized, .timeLimit(.minutes(2)))
struct ClientProgressTests {
    private func client(
        _ url: String, interval: Duration = .milliseconds(1), rate: Int? = nil,
        coding: Client.ContentCoding = .identity
    ) throws -> Client {
        return try Client(.post, url) {
            $0.progressInterval = interval
            $0.maximumUploadBytesPerSecond = rate
            $0.contentCoding = coding
        }
    }

    /// Checks what is true of all reports of one request.
    private func check(_ values: [UploadProgress], sourceLocation: SourceLocation = #_sourceLocation) throws {
        for (one, next) in zip(values, values.dropFirst()) {
            #expect(one.bytesRead <= next.bytesRead, sourceLocation: sourceLocation)
            #expect(one.bytesSent <= next.bytesSent, sourceLocation: sourceLocation)
            #expect(one.bytesAcknowledged ?? 0 <= next.bytesAcknowledged ?? 0, sourceLocation: sourceLocation)
            #expect(one.part?.index ?? 0 <= next.part?.index ?? 0, sourceLocation: sourceLocation)
            if let part = one.part, part.index == next.part?.index {
                #expect(part.bytesRead <= next.part?.bytesRead ?? 0, sourceLocation: sourceLocation)
            }
            #expect(one != next, "twice the same", sourceLocation: sourceLocation)
        }
        for value in values {
            #expect(value.bytesAcknowledged ?? 0 <= value.bytesSent, sourceLocation: sourceLocation)
            if let total = value.totalBytes { #expect(value.bytesRead <= total, sourceLocation: sourceLocation) }
            if let part = value.part, let total = part.totalBytes {
                #expect(part.bytesRead <= total, sourceLocation: sourceLocation)
            }
            #if os(Linux)
            if value.bytesSent > 0 { #expect(value.bytesAcknowledged != nil, sourceLocation: sourceLocation) }
            #endif
        }
    }

    /// Content that ends only when `isReached`, so that a report arrives in the middle of it, however busy the machine.
    private func content(_ length: Int, until isReached: @escaping @Sendable () -> Bool) -> Content {
        .stream(length: Int64(length)) {
            AsyncThrowingStream { continuation in
                continuation.yield([UInt8](repeating: 1, count: length / 2))
                Task {
                    for _ in 0..<3000 where !isReached() { try await Task.sleep(for: .milliseconds(10)) }
                    continuation.yield([UInt8](repeating: 2, count: length - length / 2))
                    continuation.finish()
                }
            }
        }
    }

    @Test("each part reports its name, bytes and total; the last report is complete") func parts() async throws {
        let server = try FaultServer(receiveBuffer: 8192, Recorder().serve)
        let client = try client(server.url)
        let directory = try TemporaryDirectory()
        let path = try directory.write([UInt8](repeating: 3, count: 300_000), to: "c.bin")
        let seen = Shared<[UploadProgress]>([])
        let isSeen = { @Sendable index in seen.value.contains { $0.part?.index == index } }
        let parts: [Part] = [
            Part("one", content(200_000) { isSeen(0) }, filename: "a.bin"), Part("two", content(600_000) { isSeen(1) }),
            .file(path, name: "three"),
        ]
        let response = try await client.send(parts) { seen.append($0) }
        #expect(response.status == 201)
        let values = seen.value
        try check(values)
        let last = try #require(values.last)
        #expect(last.bytesRead == response.bytesSent && last.bytesSent == response.bytesSent)
        #expect(last.totalBytes == response.bytesSent && last.fractionCompleted == 1)
        #expect(values.allSatisfy { $0.totalBytes == response.bytesSent })
        #if os(Linux)
        // The response acknowledges everything.
        #expect(last.bytesAcknowledged == response.bytesSent)
        #else
        #expect(last.bytesAcknowledged == nil)
        #endif
        #expect(last.part == .init(index: 2, name: "three", filename: "c.bin", bytesRead: 300_000, totalBytes: 300_000))
        let expected = [(0, "one", "a.bin", 200_000), (1, "two", "file", 600_000), (2, "three", "c.bin", 300_000)]
        for part in values.compactMap(\.part) {
            let (_, name, filename, total): (Int, String, String?, Int) = expected[part.index]
            #expect(part.name == name && part.filename == filename && part.totalBytes == Int64(total))
        }
        #expect(isSeen(0) && isSeen(1))
    }

    @Test("fractionCompleted is bytesRead / totalBytes; 1 for an empty body, nil for an unknown length")
    func fractionCompleted() {
        func fraction(_ read: Int64, _ total: Int64?) -> Double? {
            UploadProgress(bytesRead: read, bytesSent: 0, bytesAcknowledged: nil, totalBytes: total, part: nil)
                .fractionCompleted
        }
        #expect(fraction(0, 8) == 0 && fraction(2, 8) == 0.25 && fraction(8, 8) == 1)
        #expect(fraction(0, 0) == 1 && fraction(0, nil) == nil && fraction(8, nil) == nil)
    }

    @MainActor
    @Test("a progress closure runs one call at a time, never on the caller's actor") func isolation() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try client(server.url)
        let calls = Shared(0)
        let running = Mutex(())
        let parts = [
            Part("one", content(1 << 20) { calls.value > 0 }), Part("two", content(1 << 20) { calls.value > 1 }),
        ]
        // With an interval of 1 ms, a report is waiting whenever the closure returns.
        _ = try await client.send(parts) { _ in
            #expect(!Thread.isMainThread)
            #expect(running.withLockIfAvailable { _ in usleep(5000) } != nil)
            calls.update { $0 += 1 }
        }
        #expect(calls.value >= 2)
    }

    @Test("bytes that the server's kernel has not received count as sent, not as acknowledged")
    func acknowledged() async throws {
        let (stalled, release) = (Gate(), Gate())
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            stalled.open()
            release.wait()
            try connection.respond(201, "\(try connection.readBody(of: head).count)")
        }
        let client = try client(server.url)
        let seen = Shared<UploadProgress?>(nil)
        let sending = Task { try await client.send(.filler(16 << 20)) { seen.set($0) } }
        await stalled.opened()
        for _ in 0..<3000 where (seen.value?.bytesSent ?? 0) <= 100_000 { try await Task.sleep(for: .milliseconds(10)) }
        try await Task.sleep(for: .milliseconds(500))
        let value = try #require(seen.value)
        // The send buffer is far larger than the server's receive buffer.
        #expect(value.bytesSent > 100_000 && value.bytesSent < 16 << 20)
        #expect(value.bytesRead >= value.bytesSent)
        #if os(Linux)
        let acknowledged = try #require(value.bytesAcknowledged)
        #expect(acknowledged > 0 && acknowledged < value.bytesSent - 50_000, "\(value)")
        #endif
        release.open()
        #expect(try await sending.value.status == 201)
        #expect(seen.value.map { $0.bytesSent == $0.totalBytes } == true)
    }

    @Test("with a content coding, bytes read count the message, and bytes sent the coded body")
    func coded() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try client(server.url, rate: 2 << 20, coding: .gzip(level: 1))
        let seen = Shared<[UploadProgress]>([])
        let response = try await client.send(
            Part("one", .bytes(bottles(3_000_000))), Part("file", .bytes(bottles(2_000_000))).gzipped()
        ) { seen.append($0) }
        try check(seen.value)
        let last = try #require(seen.value.last)
        #expect(last.bytesSent == response.bytesSent && last.bytesSent < last.bytesRead / 2)
        #expect(last.part?.index == 1 && last.part?.bytesRead == 2_000_000)
        #expect(last.part?.filename == "file.gz")
    }

    @Test("a part of unknown length is counted, also after it has ended") func unknownLength() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try client(server.url)
        let seen = Shared<[UploadProgress]>([])
        let (values, continuation) = AsyncStream<[UInt8]>.makeStream()
        for _ in 0..<10 { continuation.yield([UInt8](repeating: 1, count: 100_000)) }
        continuation.finish()
        let part = Part("file", .stream(values), filename: "c.bin")
        _ = try await client.send(.field("a", "b"), part) { seen.append($0) }
        try check(seen.value)
        let last = try #require(seen.value.last)
        #expect(last.part == .init(index: 1, name: "file", filename: "c.bin", bytesRead: 1_000_000, totalBytes: nil))
        #expect(last.totalBytes == nil && last.fractionCompleted == nil)
        #expect(last.bytesSent == last.bytesRead)
    }

    @Test("an open request counts all of its parts, also those whose memory was released")
    func unclosed() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try client(server.url)
        let seen = Shared<[UploadProgress]>([])
        let note: @Sendable (UploadProgress) -> Void = { seen.append($0) }
        for number in 0..<4 {
            let (name, size) = ("part \(number)", 700_000)
            try await client.sendUnclosed(Part(name, .bytes([UInt8](repeating: 1, count: size))), progress: note)
            let last = try #require(seen.value.last)
            let part = UploadProgress.Part(
                index: number, name: name, filename: nil, bytesRead: Int64(size), totalBytes: Int64(size))
            #expect(last.part == part)
            #expect(last.totalBytes == nil)
            #expect(last.bytesSent == last.bytesRead)
        }
        let response = try await client.close(progress: note)
        // A call's first report is the last one of the call before.
        let values = seen.value.enumerated().filter { $0 == 0 || seen.value[$0 - 1] != $1 }.map(\.element)
        try check(values)
        #expect(values.last?.bytesSent == response.bytesSent)
        #expect(values.last?.part?.index == 3)
    }

    @Test("a slow callback delays nothing, and receives the last value") func slowCallback() async throws {
        let recorder = Recorder()
        let server = try FaultServer(recorder.serve)
        let client = try client(server.url)
        let wasReceivedMeanwhile = Shared(false)
        let seen = Shared<[UploadProgress]>([])
        let response = try await client.send(.filler(8 << 20)) { progress in
            if seen.value.isEmpty {
                for _ in 0..<1000 where recorder.count == 0 { usleep(10_000) }
                wasReceivedMeanwhile.set(recorder.count > 0)
            }
            seen.append(progress)
        }
        #expect(wasReceivedMeanwhile.value)
        #expect(seen.value.count <= 3)
        #expect(seen.value.last?.bytesSent == response.bytesSent)
    }

    @Test("a failed request reports how far it got", arguments: ["closed", "cancelled"])
    func failures(how: String) async throws {
        let started = Gate()
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            try connection.readBeginning(1_000_000)
            started.open()
            if how == "cancelled" { _ = connection.isClosedByPeer() }
        }
        // Only the first and the last report.
        let client = try client(server.url, interval: .seconds(30))
        let seen = Shared<[UploadProgress]>([])
        let sending = Task { try await client.send(.filler(32 << 20)) { seen.append($0) } }
        if how == "cancelled" {
            await started.opened()
            sending.cancel()
        }
        let error = await #expect(throws: ClientError.self) { try await sending.value }
        try check(seen.value)
        let last = try #require(seen.value.last)
        #expect(last.bytesSent == error?.bytesSent)
        #expect(last.bytesSent >= 1_000_000)
    }

    @Test("reports are not more frequent than the interval") func interval() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try client(server.url, interval: .milliseconds(200), rate: 200_000)
        let calls = Shared(0)
        let start = ContinuousClock.now
        _ = try await client.send(.filler(300_000)) { _ in
            calls.update { $0 += 1 }
        }
        let intervals = Int((ContinuousClock.now - start) / .milliseconds(200))
        // Plus the first and the last one.
        #expect(calls.value <= intervals + 2)
        #expect(calls.value >= 3)
    }

    @Test("the stream reports all requests and ends with the client; without a listener nothing is counted")
    func stream() async throws {
        let server = try FaultServer(Recorder().serve)
        let seen = Shared<[UploadProgress]>([])
        let isSeen = { @Sendable (bytes: Int64) in
            for _ in 0..<500 where seen.value.last?.bytesSent != bytes { try await Task.sleep(for: .milliseconds(10)) }
        }
        let listening: Task<Void, Never>
        do {
            let client = try client(server.url)
            #expect(!client.progressHub.isListening)
            let values = client.progress
            listening = Task { for await value in values { seen.append(value) } }
            #expect(client.progressHub.isListening)
            let first = try await client.send(.filler(3_000_000))
            try await isSeen(first.bytesSent)
            try check(seen.value)
            #expect(seen.value.last?.bytesSent == first.bytesSent)
            let count = seen.value.count
            try await client.sendUnclosed(.field("a", "b"))
            let second = try await client.close()
            try await isSeen(second.bytesSent)
            // The last report of the first request, with its acknowledged bytes, may arrive late.
            try check(Array(seen.value[count...].drop { $0.bytesSent == first.bytesSent }))
            let other = Task { for await _ in client.progress {} }
            other.cancel()
            await other.value
        }
        await listening.value
        let client = try client(server.url)
        let other = Task { for await _ in client.progress {} }
        other.cancel()
        await other.value
        #expect(!client.progressHub.isListening)
    }
}
