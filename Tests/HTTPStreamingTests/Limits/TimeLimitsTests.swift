import Platform
import Testing

@testable import HTTPStreaming

@Suite("TimeLimits", .timeLimit(.minutes(3)))
struct TimeLimitsTests {
    private let start = Instant.now

    private func at(_ seconds: Double) -> Instant { start + .seconds(seconds) }

    /// Checks at each deadline, as a transfer does.
    private func advance(
        _ limits: inout TimeLimits, to seconds: Double, isCounting: Bool = true, bytes: Int64? = 0
    ) -> TimeLimits.Excess? {
        limits.advance(to: at(seconds), isCounting: isCounting)
        if limits.isCheckDue { limits.check(bytesMoved: bytes) }
        return limits.excess
    }

    @Test("without limits there is no deadline") func none() {
        var limits = TimeLimits(stall: nil, total: nil, at: start)
        #expect(advance(&limits, to: 1e6) == nil)
        #expect(limits.deadline == nil)
        #expect(!limits.isCheckDue)
    }

    @Test("the total counts from the start, whatever moves") func total() {
        var limits = TimeLimits(stall: .seconds(8), total: .seconds(10), at: start)
        #expect(advance(&limits, to: 0) == nil)
        for second in 1..<10 { #expect(advance(&limits, to: Double(second), bytes: Int64(second)) == nil) }
        #expect(limits.deadline == at(10))
        #expect(advance(&limits, to: 10, bytes: 10) == .exceeded(.seconds(10)))
    }

    @Test("a stall is found when nothing has moved for the limit, at most an eighth late") func stall() {
        var limits = TimeLimits(stall: .seconds(8), total: nil, at: start)
        #expect(advance(&limits, to: 0) == nil)
        #expect(limits.deadline == at(1))
        // Bytes move until 20.5 s; the check happens at the deadline.
        var time = 0.0
        var excess: TimeLimits.Excess?
        var checks = 0
        while excess == nil, checks < 100 {
            guard let deadline = limits.deadline else { break }
            time = (deadline - start) / .seconds(1)
            excess = advance(&limits, to: time, bytes: Int64(min(time, 20.5) * 100))
            checks += 1
        }
        #expect(excess == .stalled(.seconds(8)))
        #expect(time >= 28.5 && time <= 29.5, "\(time)")
        #expect(checks < 35)
    }

    @Test("time spent waiting for this side does not count") func paused() {
        var limits = TimeLimits(stall: .seconds(8), total: .seconds(20), at: start)
        for second in 0..<5 { #expect(advance(&limits, to: Double(second)) == nil) }
        #expect(advance(&limits, to: 5, isCounting: false) == nil)
        #expect(limits.deadline == nil)
        #expect(advance(&limits, to: 1000, isCounting: false) == nil)
        #expect(advance(&limits, to: 2000) == nil)
        // Five seconds count, the first of them before the first check.
        #expect(advance(&limits, to: 2003.9) == nil)
        #expect(advance(&limits, to: 2004) == .stalled(.seconds(8)))
        var moving = TimeLimits(stall: nil, total: .seconds(20), at: start)
        _ = advance(&moving, to: 0)
        _ = advance(&moving, to: 19, isCounting: false)
        _ = advance(&moving, to: 1000)
        #expect(moving.deadline == at(1001))
        #expect(advance(&moving, to: 1001) == .exceeded(.seconds(20)))
    }

    @Test("connecting is not a stall") func connecting() {
        var limits = TimeLimits(stall: .seconds(8), total: nil, at: start)
        for second in 0..<100 { #expect(advance(&limits, to: Double(second), bytes: nil) == nil) }
        for second in 100..<107 { #expect(advance(&limits, to: Double(second), bytes: 0) == nil) }
        #expect(advance(&limits, to: 109, bytes: 0) == .stalled(.seconds(8)))
    }
}
