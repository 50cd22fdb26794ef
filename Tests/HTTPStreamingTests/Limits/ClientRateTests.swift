import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// A busy machine sends slower than the limit, never faster: these tests check upper bounds and how
/// evenly the bytes arrive. `make bench-rate` measures how exact the rate is.
@Suite("Client, rate limit", .serialized, .timeLimit(.minutes(2)))
struct ClientRateTests {
    private func client(_ url: String, rate: Int) throws -> Client {
        return try Client(.post, url) { $0.maximumUploadBytesPerSecond = rate }
    }

    /// The bytes received so far, and their times.
    private final class Arrivals: Sendable {
        let all = Mutex<[(sum: Int, time: ContinuousClock.Instant)]>([])

        func serve(_ connection: RawConnection) throws {
            while let head = try connection.readHeadAndContinue() {
                var left = try #require(head["content-length"].flatMap { Int($0) })
                while left > 0 {
                    // The available bytes, without waiting for more.
                    guard connection.isReadable(within: 30_000) else { return }
                    let count = try connection.receiveSome().count
                    left -= count
                    all.withLock { $0.append((($0.last?.sum ?? 0) + count, .now)) }
                }
                try connection.respond(201)
            }
        }
    }

    @Test("100 KiB/s is smooth and never more than 0.1 s ahead") func smooth() async throws {
        let rate = 100 << 10
        let arrivals = Arrivals()
        let server = try FaultServer(arrivals.serve)
        let client = try client(server.url, rate: rate)
        let start = ContinuousClock.now
        #expect(try await client.send(.filler(3 * rate)).status == 201)
        let all = arrivals.all.withLock { $0 }
        for (sum, time) in all {
            let allowed = Double(rate) * ((time - start) / .seconds(1) + 0.1)
            #expect(Double(sum) <= allowed + 1)
        }
        #expect(all.last.map { $0.time - start > .milliseconds(2900) } == true)
        // Sixty pieces, fewer if the server reads late.
        #expect(all.count >= 20)
    }

    @Test("many small requests share the limit; coded bytes count") func requests() async throws {
        let (recorder, _, client) = try recording {
            $0.contentCoding = .gzip(level: 1)
            $0.maximumUploadBytesPerSecond = 20_000
        }
        let start = ContinuousClock.now
        for number in 0..<20 {
            let noise = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* (number + 7919) >> 7) }
            let part = Part("file", .bytes(noise + [UInt8](repeating: 0, count: 500_000)))
            #expect(try await client.send(part).status == 201)
        }
        let sent = recorder.requests.reduce(0) { $0 + $1.body.count }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        #expect(Double(sent) <= 20_000 * (seconds + 0.1) + 1)
        #expect(sent > 20_000 && sent < 400_000)
    }

    @Test("a changed limit takes effect at once") func changed() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try client(server.url, rate: 1)
        #expect(client.maximumUploadBytesPerSecond == 1)
        let sending = Task { try await client.send(.filler(2 << 20)) }
        try await Task.sleep(for: .milliseconds(200))
        client.maximumUploadBytesPerSecond = 0
        #expect(client.maximumUploadBytesPerSecond == 1)
        client.maximumUploadBytesPerSecond = nil
        #expect(try await sending.value.status == 201)
    }

    @Test("refusals and closed connections are noticed while the limit delays sending", arguments: [true, false])
    func answers(isRefused: Bool) async throws {
        let server = try isRefused ? refusingServer(413, "too slow") : FaultServer { try $0.readBeginning(100) }
        // A piece is a byte every 0.1 s; the body would take days.
        let client = try client(server.url, rate: 2000)
        client.maximumUploadBytesPerSecond = 2000
        let start = ContinuousClock.now
        let sending = Task { try await client.send(.filler(4 << 20)) }
        try await Task.sleep(for: .milliseconds(100))
        client.maximumUploadBytesPerSecond = 10
        if isRefused {
            let response = try await sending.value
            #expect(try await response.summary() == "413 too slow")
            #expect(response.bytesSent < 1 << 20)
        } else {
            await expectError(.connectionLost) { try await sending.value }
        }
        #expect(ContinuousClock.now - start < .seconds(30))
    }
}
