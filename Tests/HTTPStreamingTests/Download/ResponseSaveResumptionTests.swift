import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Downloads whose connections are cut, against a scripted server.
@Suite("Response saving, continued", .timeLimit(.minutes(3)))
struct ResponseSaveResumptionTests {
    private let saving: SavingTest
    private var content: [UInt8] { saving.content }
    private var directory: TemporaryDirectory { saving.directory }

    init() throws { saving = try SavingTest() }

    @Test("cut at random offsets, the file arrives byte for byte", arguments: 0..<4)
    func cuts(number: Int) async throws {
        let (isChunked, isDated) = (number & 1 == 1, number & 2 == 2)
        var generator = SeededGenerator(case: 50 + number)
        let offsets = (0..<6).map { _ in Int.random(in: 1...240_000, using: &generator) }
        var file = RangeServer.File(content)
        if isDated { (file.tag, file.modified) = (nil, "Sat, 31 Oct 2026 00:00:00 GMT") }
        let server = RangeServer(file, isChunked: isChunked) { _, number in
            number <= offsets.count ? .cut(after: offsets[number - 1]) : .none
        }
        let (listener, client) = try saving.client(server)
        let response = try await saving.save(client)
        #expect(try saving.saved() == content, "seed \(SeededGenerator.seed)")
        #expect(response.metrics.resumptions == 6)
        #expect(response.metrics.bodyBytesReceived == content.count)
        #expect(response.metrics.total != nil)
        let starts = (0...6).map { offsets.prefix($0).reduce(0, +) }
        #expect(server.ranges == starts.map { $0 == 0 ? nil : "bytes=\($0)-" }, "seed \(SeededGenerator.seed)")
        let conditions = server.heads.value.dropFirst().map { $0["if-range"] }
        #expect(conditions == [String?](repeating: isDated ? file.modified : file.tag, count: 6))
        #expect(listener.errors == [])
    }

    @Test("without an interruption there is one request, without a range") func uninterrupted() async throws {
        let server = RangeServer(.init(content))
        let (_, client) = try saving.client(server)
        #expect(try await saving.save(client).metrics.resumptions == 0)
        #expect(server.ranges == [nil])
    }

    @Test("a stall is an interruption") func stall() async throws {
        let server = RangeServer(.init(content)) { _, number in number == 1 ? .stall(after: 700_000) : .none }
        let (_, client) = try saving.client(server) { $0.stallTimeout = .milliseconds(500) }
        _ = try await saving.save(client)
        #expect(try saving.saved() == content)
        #expect(server.ranges == [nil, "bytes=700000-"])
    }

    @Test("a coded file is continued in its coded form, and decoded", arguments: [Coding.gzip, .deflate])
    func coded(coding: Coding) async throws {
        let coded = try coding.encode(content)
        var file = RangeServer.File(coded)
        file.fields = "Content-Encoding: \(coding.token)\r\n"
        var generator = SeededGenerator(case: 60)
        let cuts = (0..<4).map { _ in Int.random(in: 1...(coded.count / 5), using: &generator) }
        let server = RangeServer(file) { _, number in number <= 4 ? .cut(after: cuts[number - 1]) : .none }
        let (_, client) = try saving.client(server)
        let response = try await saving.save(client)
        #expect(try saving.saved() == content, "seed \(SeededGenerator.seed)")
        #expect(response.metrics.resumptions == 4)
        // The same representation is selected each time.
        #expect(Set(server.heads.value.map { $0["accept-encoding"] }).count == 1)
        #expect(server.heads.value[1]["accept-encoding"]?.contains(coding.token) == true)
    }

    @Test("a file that has changed begins again: never a mixture", arguments: [false, true], [false, true])
    func changed(isCoded: Bool, wasCoded: Bool) async throws {
        let (old, new) = (content, saving.other)
        let file = { (bytes: [UInt8], tag: String, isCoded: Bool) in
            var file = RangeServer.File(isCoded ? try Coding.gzip.encode(bytes) : bytes)
            file.tag = tag
            if isCoded { file.fields = "Content-Encoding: gzip\r\n" }
            return file
        }
        let next = try file(new, "\"two\"", isCoded)
        let replacement = Shared<(@Sendable () -> Void)?>(nil)
        let server = RangeServer(try file(old, "\"one\"", wasCoded)) { _, number in
            if number == 2 { replacement.value?() }
            return number == 1 ? .cut(after: 900_000) : .none
        }
        replacement.set { [weak server] in server?.file.set(next) }
        let (_, client) = try saving.client(server)
        let response = try await saving.save(client)
        #expect(try saving.saved() == new)
        #expect(response.metrics.resumptions == 1)
        #expect(server.ranges.count == 2)
    }

    @Test("without a strong validator, with a range of the caller's, or without retries the error stays")
    func notContinued() async throws {
        for number in 0..<6 {
            var file = RangeServer.File(content)
            switch number {
            case 0: file.tag = "W/\"one\""
            case 1: file.tag = nil
            case 2: (file.tag, file.modified) = (nil, "Sat, 31 Oct 2026 23:59:30 GMT")
            case 3: (file.tag, file.modified) = ("W/\"one\"", "Sat, 31 Oct 2026 00:00:00 GMT")
            default: break
            }
            let server = RangeServer(file) { _, _ in .cut(after: 500_000) }
            let (_, client) = try saving.client(server, attempts: number == 4 ? 1 : 3) {
                if number == 5 { $0.headerFields = ["Range": "bytes=10-"] }
            }
            let response = try await client.send()
            let error = await expectError(.connectionLost) { try await response.save(to: directory.path("file")) }
            #expect(error?.message.contains("no strong validator") == (number < 4), "\(number)")
            #expect(try directory.contents() == [])
            #expect(server.heads.value.count == 1, "\(number)")
        }
    }

    @Test("attempts without progress are limited; progress begins a new count") func attempts() async throws {
        let server = RangeServer(.init(content)) { _, number in number <= 5 ? .cut(after: 1000) : .cut(after: 0) }
        let (_, client) = try saving.client(server)
        let response = try await client.send()
        let error = await expectError(.connectionLost) { try await response.save(to: directory.path("file")) }
        #expect(error?.message.contains("no more attempts") == true)
        // Two more after the last progress.
        #expect(server.heads.value.count == 7)
        #expect(try directory.contents() == [])
    }

    @Test("a file that changes each time does not go on forever") func alwaysChanging() async throws {
        let server = RangeServer(.init(content)) { _, _ in .cut(after: 1000) }
        let count = Shared(0)
        let changing = try FaultServer { connection in
            count.update { $0 += 1 }
            server.file.update { $0.tag = "\"\(count.value)\"" }
            try server.serve(connection)
        }
        let client = try Client(.get, changing.url) { $0.retry = Client.Retry(delay: .milliseconds(10)) }
        let response = try await client.send()
        await expectError(.connectionLost) { try await response.save(to: directory.path("file")) }
        #expect(server.heads.value.count == 3)
    }

    @Test("503 with Retry-After is waited for, 404 is the end") func statuses() async throws {
        let server = RangeServer(.init(content)) { _, number in
            switch number {
            case 1: .cut(after: 500_000)
            case 2: .raw("HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", [])
            case 3: .cut(after: 500_000)
            default: .raw("HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\n", Array("gone".utf8))
            }
        }
        let (_, client) = try saving.client(server)
        let start = ContinuousClock.now
        let response = try await client.send()
        let error = await expectError(.resumptionFailed) { try await response.save(to: directory.path("file")) }
        #expect(ContinuousClock.now - start >= .seconds(1))
        #expect((error?.underlying as? StatusError)?.status == 404)
        #expect(error?.message.contains("gone") == true)
        #expect(server.ranges == [nil, "bytes=500000-", "bytes=500000-", "bytes=1000000-"])
        #expect(try directory.contents() == [])
    }

    @Test("a server that is gone is an error that tells of the interruption") func serverGone() async throws {
        let server = RangeServer(.init(content)) { _, _ in .cut(after: 500_000) }
        let (listener, client) = try saving.client(server)
        let response = try await client.send()
        listener.stop()
        let error = await expectError(.connectionFailed) { try await response.save(to: directory.path("file")) }
        #expect(error?.message.contains("had been interrupted") == true)
        #expect(try directory.contents() == [])
    }

    @Test("after a redirect the request begins at its own URL; another place is another file") func redirect()
        async throws
    {
        let (place, bytes) = (Shared("/a?1"), content)
        let server = RangeServer(.init(content)) { head, number in
            if head.line.hasPrefix("GET / ") {
                defer { place.set(number < 3 ? "/a?2" : "/b") }
                return .raw("HTTP/1.1 307 No\r\nLocation: \(place.value)\r\nContent-Length: 0\r\n\r\n", [])
            }
            return number <= 4 ? .cut(after: 400_000) : .none
        }
        let (_, client) = try saving.client(server)
        _ = try await saving.save(client)
        #expect(try saving.saved() == bytes)
        let lines = server.heads.value.map { $0.line.split(separator: " ")[1] }
        // The third time the answer is of /b, which is asked for as a whole.
        #expect(lines == ["/", "/a?1", "/", "/a?2", "/", "/b", "/", "/b"])
        #expect(
            server.ranges == [nil, nil] + [String?](repeating: "bytes=400000-", count: 2)
                + [String?](repeating: "bytes=800000-", count: 2) + [nil, nil])
    }

    @Test("the client's next request ends it, and cancel() does, also between two attempts") func ended() async throws {
        for isCancelled in [false, true] {
            let isCut = Gate()
            let server = RangeServer(.init(content)) { head, number in
                if number == 1 { isCut.open() }
                return number == 1 ? .cut(after: 500_000) : .none
            }
            let (_, client) = try saving.client(server) {
                $0.retry.delay = .seconds(isCancelled ? 120 : 2)
                $0.retry.maximumDelay = .seconds(120)
            }
            let response = try await client.send()
            let path = directory.path("file")
            let saving = Task { try await response.save(to: path) }
            #expect(await isCut.opened())
            try await Task.sleep(for: .milliseconds(300))
            if isCancelled {
                client.cancel()
            } else {
                #expect(try await client.send().bytes() == content)
            }
            let start = ContinuousClock.now
            let error = await #expect(throws: ClientError.self) { try await saving.value }
            // The client may not have seen the cut yet.
            let codes: [ClientError.Code] = isCancelled ? [.cancelled] : [.connectionLost, .responseDiscarded]
            #expect(codes.contains { $0 == error?.code })
            if error?.code == .connectionLost { #expect(error?.message.contains("another request") == true) }
            #expect(ContinuousClock.now - start < .seconds(60))
            #expect(server.ranges == (isCancelled ? [nil] : [nil, nil]))
            #expect(try directory.contents() == [])
        }
    }
}
