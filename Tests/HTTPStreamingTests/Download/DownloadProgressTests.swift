import ContentCoding
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// What `save(to:progress:)` and `download(_:to:progress:)` report, against a scripted server.
@Suite("Download progress", .timeLimit(.minutes(3)))
struct DownloadProgressTests {
    private let test: DownloadTest
    private let seen = Shared<[DownloadProgress]>([])
    private var content: [UInt8] { test.content }
    private var total: Int64 { Int64(content.count) }

    init() throws { test = try DownloadTest() }

    private func client(
        retry: Client.Retry = .never, _ change: (inout Client.Configuration) -> Void = { _ in }
    ) throws -> Client {
        try Client {
            $0.progressInterval = .milliseconds(1)
            $0.retry = retry
            change(&$0)
        }
    }

    /// The reports, none of which is told twice; the last one is complete.
    private func completeReports(of count: Int64, resumptions: Int = 0) throws -> [DownloadProgress] {
        let values = seen.value
        for (one, next) in zip(values, values.dropFirst()) { #expect(one != next) }
        let last = try #require(values.last)
        #expect(last.bytesReceived == count && last.totalBytes == count && last.fractionCompleted == 1)
        #expect(last.resumptions == resumptions && last.retry == nil)
        return values
    }

    @Test("received bytes and the total are reported while they arrive, and at the end", arguments: [false, true])
    func uninterrupted(isSaved: Bool) async throws {
        let gate = Gate()
        let server = try contentServer("", content, gate: gate)
        let client = try client()
        let progress = { @Sendable [seen, total] (progress: DownloadProgress) in
            seen.append(progress)
            if progress.bytesReceived > 0, progress.bytesReceived < total { gate.open() }
        }
        if isSaved {
            try await client.send(Request(.get, server.url)).save(to: test.path, progress: progress)
        } else {
            try await client.download(server.url, to: test.path, progress: progress)
        }
        try test.expectSaved(content)
        #expect(gate.isOpened)
        let values = try completeReports(of: total)
        for (one, next) in zip(values, values.dropFirst()) { #expect(one.bytesReceived <= next.bytesReceived) }
        #expect(values.allSatisfy { $0.bytesReceived == 0 || $0.totalBytes == total })
        #expect(values.contains { $0.bytesReceived > 0 && $0.bytesReceived <= total / 2 })
    }

    @Test("a later call begins at the bytes of the earlier one") func laterCall() async throws {
        let (server, listener) = try test.cutting(.init(content), [600_000])
        try await test.interrupt(listener)
        try await client().download(listener.url, to: test.path, resuming: true) { [seen] in seen.append($0) }
        #expect(server.ranges == [nil, "bytes=600000-"])
        let values = try completeReports(of: total)
        #expect(values.allSatisfy { $0.bytesReceived >= 600_000 && $0.totalBytes == total })
    }

    @Test("within a call, an interruption is reported with its cause and delay, and then as a resumption")
    func withinCall() async throws {
        let isTold = Gate()
        let server = RangeServer(.init(content)) { _, number in
            // The newest report replaces those that the closure has not been called with.
            if number == 2 { isTold.wait() }
            return number == 1 ? .cut(after: 600_000) : .none
        }
        let listener = try FaultServer(server.serve)
        let client = try client(retry: Client.Retry(attempts: 4, delay: .milliseconds(10)))
        try await client.download(listener.url, to: test.path) { [seen] progress in
            seen.append(progress)
            if progress.retry != nil { isTold.open() }
        }
        try test.expectSaved(content)
        let values = try completeReports(of: total, resumptions: 1)
        let retries = values.filter { $0.retry != nil }
        #expect(retries.count == 1 && retries.first?.bytesReceived == 600_000 && retries.first?.resumptions == 0)
        let retry = try #require(retries.first?.retry)
        #expect(retry.attempt == 2 && retry.maximumAttempts == 4 && retry.delay > .zero)
        #expect(retry.cause.contains("connection was lost"))
        #expect(values.allSatisfy { $0.resumptions == 0 ? $0.bytesReceived <= 600_000 : $0.bytesReceived >= 600_000 })
    }

    @Test("a retry of the request itself is reported too") func refused() async throws {
        let isTold = Gate()
        let server = RangeServer(.init(content)) { _, number in
            if number == 2 { isTold.wait() }
            return number == 1 ? .raw("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", []) : .none
        }
        let listener = try FaultServer(server.serve)
        let client = try client(retry: Client.Retry(delay: .milliseconds(10)))
        try await client.download(listener.url, to: test.path) { [seen] progress in
            seen.append(progress)
            if progress.retry != nil { isTold.open() }
        }
        #expect(try completeReports(of: total).compactMap(\.retry?.cause) == ["status 503"])
    }

    @Test("redirects are reported before the response that follows, and of each request", arguments: [false, true])
    func redirected(isSaved: Bool) async throws {
        let (isTold, wasTold) = (Gate(), Shared(false))
        let server = RangeServer(.init(content)) { [content] head, number in
            if head.line.hasPrefix("GET / ") {
                return .raw("HTTP/1.1 302 Found\r\nLocation: /x?\(number)\r\nContent-Length: 0\r\n\r\n", [])
            }
            if number == 2, !isSaved {
                isTold.wait()
                wasTold.set(isTold.isOpened)
            }
            return number == 2 ? .cut(after: content.count / 2) : .none
        }
        let listener = try FaultServer(server.serve)
        let client = try client(retry: Client.Retry(delay: .milliseconds(10)))
        let progress = { @Sendable [seen] (progress: DownloadProgress) in
            seen.append(progress)
            if !progress.redirects.isEmpty { isTold.open() }
        }
        if isSaved {
            try await client.send(Request(.get, listener.url)).save(to: test.path, progress: progress)
        } else {
            try await client.download(listener.url, to: test.path, progress: progress)
        }
        try test.expectSaved(content)
        #expect(wasTold.value != isSaved)
        let values = try completeReports(of: total, resumptions: 1)
        let redirects = [1, 3].map { UploadProgress.Redirect(status: 302, url: "\(listener.url)x?\($0)") }
        #expect(values.filter { $0.retry != nil }.allSatisfy { $0.redirects == [redirects[0]] })
        #expect(values.filter { $0.resumptions == 1 }.allSatisfy { $0.redirects == [redirects[1]] })
    }

    @Test("a file that has changed begins again from 0") func changed() async throws {
        let (server, listener) = try test.cutting(.init(content), [600_000])
        try await test.interrupt(listener)
        let new = test.other
        server.file.update { file in
            file.content = new
            file.tag = "\"two\""
        }
        try await client().download(listener.url, to: test.path, resuming: true) { [seen] in seen.append($0) }
        try test.expectSaved(new)
        let values = try completeReports(of: Int64(new.count))
        // Before the answer, the bytes of the earlier call are told.
        #expect(values.dropFirst().allSatisfy { $0.totalBytes == Int64(new.count) })
    }

    @Test("a call that fails tells how much had been received") func failed() async throws {
        let (_, listener) = try test.cutting(.init(content), [600_000])
        let client = try client()
        await expectError(.connectionLost) {
            try await client.download(listener.url, to: test.path, resuming: true) { [seen] in seen.append($0) }
        }
        #expect(seen.value.last?.bytesReceived == 600_000 && seen.value.last?.totalBytes == total)
        seen.set([])
        listener.stop()
        await expectError(.connectionFailed) {
            try await client.download(listener.url, to: test.path, resuming: true) { [seen] in seen.append($0) }
        }
        #expect(seen.value.map(\.bytesReceived) == [600_000] && seen.value.last?.totalBytes == total)
        seen.set([])
        await expectError(.destinationUnwritable) {
            try await client.download(listener.url, to: "/nowhere/file") { [seen] in seen.append($0) }
        }
        #expect(seen.value == [DownloadProgress()])
    }

    @Test("without a length the total is nil; coded content counts before decoding") func lengths() async throws {
        let chunked = try FaultServer(RangeServer(.init(content), isChunked: true).serve)
        let client = try client()
        try await client.download(chunked.url, to: test.path) { [seen] in seen.append($0) }
        #expect(seen.value.last?.bytesReceived == total && seen.value.last?.fractionCompleted == nil)
        let text = [UInt8](repeating: 7, count: 3_000_000)
        let coded = try Coding.gzip.encode(text)
        let server = try contentServer("Content-Encoding: gzip\r\n", coded)
        // Not only a GET has a response.
        let response = try await client.send(Request(.post, server.url))
        try await response.save(to: test.path) { [seen] in seen.append($0) }
        try test.expectSaved(text)
        #expect(seen.value.last?.bytesReceived == Int64(coded.count))
        #expect(seen.value.last?.totalBytes == Int64(coded.count))
    }

    @MainActor
    @Test("a slow closure delays nothing, misses reports, and never runs on the caller's actor or twice at once")
    func slow() async throws {
        let isSent = Gate()
        let bytes = content
        let server = try FaultServer { connection in
            while try connection.readHead() != nil {
                try connection.respond(content: bytes)
                isSent.open()
            }
        }
        let running = Mutex(())
        try await client().download(server.url, to: test.path) { [seen] progress in
            #expect(!Thread.isMainThread)
            #if os(Linux)
            // The threads of that name write files.
            #expect((try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) != "http-blocking\n")
            #endif
            #expect(running.withLockIfAvailable { _ in isSent.wait() } != nil)
            seen.append(progress)
        }
        #expect(isSent.isOpened)
        // The first report, the newest one after the first call of the closure, some of the last chunks, and the final one.
        #expect(try completeReports(of: total).count < 20)
    }
}
