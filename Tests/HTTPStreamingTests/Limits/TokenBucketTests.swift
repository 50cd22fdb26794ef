import Platform
import Testing

@testable import HTTPStreaming

@Suite("TokenBucket", .timeLimit(.minutes(3)))
struct TokenBucketTests {
    /// Sends for some simulated seconds in pieces of at most a buffer's size, `lateness` later than the
    /// bucket says; returns each piece and its time.
    private func send(
        _ bucket: TokenBucket, rate: Int, from start: Instant, seconds: Double,
        lateness: Duration = .milliseconds(1), buffer: Int = 512 << 10
    ) -> [(bytes: Int, time: Double)] {
        var now = start
        var pieces: [(Int, Double)] = []
        while now < start + .seconds(seconds) {
            switch bucket.allowance(rate: rate, at: now) {
            case .bytes(let allowed):
                let count = min(allowed, buffer)
                bucket.spend(count)
                pieces.append((count, (now - start) / .seconds(1)))
            case .none(let time):
                #expect(time > now)
                now = time + lateness
            }
        }
        return pieces
    }

    @Test(
        "the rate is exact over time and never more than 0.1 s ahead",
        arguments: [1, 7, 1000, 100 << 10, 1 << 20, 100 << 20, 1 << 30])
    func rate(rate: Int) {
        let bucket = TokenBucket()
        let seconds = max(10, 20 / Double(rate))
        let pieces = send(bucket, rate: rate, from: .now, seconds: seconds)
        let burst = max(1, Double(rate) / 10)
        var sum = 0
        for piece in pieces {
            sum += piece.bytes
            #expect(Double(sum) <= Double(rate) * piece.time + burst + 1)
        }
        #expect(Double(sum) > Double(rate) * seconds * 0.97 - burst - 1)
        // In pieces of 0.05 s, if one is more than a byte.
        if rate >= 1000 { #expect(pieces.count >= Int(seconds * 18)) }
        #expect(pieces.allSatisfy { $0.bytes > 0 })
    }

    @Test("a thread that wakes late catches up at most 0.1 s") func late() {
        let bucket = TokenBucket()
        let pieces = send(bucket, rate: 100 << 20, from: .now, seconds: 10, lateness: .milliseconds(40))
        #expect(pieces.reduce(0) { $0 + $1.bytes } > 980 << 20)
        let slow = send(TokenBucket(), rate: 1000, from: .now, seconds: 10, lateness: .seconds(1))
        #expect(slow.reduce(0) { $0 + $1.bytes } < 1200)
    }

    @Test("idle time is not saved, and a new rate takes effect at once") func changes() {
        let bucket = TokenBucket()
        let start = Instant.now
        _ = send(bucket, rate: 1000, from: start, seconds: 1)
        #expect(bucket.allowance(rate: 1000, at: start + .seconds(3600)) == .bytes(100))
        bucket.spend(100)
        #expect(
            bucket.allowance(rate: 10, at: start + .seconds(3600)) == .none(until: start + .milliseconds(3_600_100)))
        // Ten bytes for a second, minus the rest of a larger piece.
        let time = start + .seconds(3601)
        #expect(bucket.allowance(rate: 1000, at: time) == .none(until: time + .milliseconds(40)))
    }
}
