import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("TimerQueue", .timeLimit(.minutes(3)))
struct TimerQueueTests {
    private let start = Instant.now

    @Test("the earliest timer is first; a timer set again counts once, at its last time") func order() {
        var queue = TimerQueue<Int>()
        #expect(queue.next == nil)
        for (key, seconds) in [(1, 5), (2, 3), (3, 9), (1, 1), (3, 2)] {
            queue.set(start + .seconds(seconds), for: key)
        }
        queue.set(nil, for: 2)
        #expect(queue.pop(at: start) == nil)
        #expect(queue.pop(at: start + .seconds(10)) == 1)
        #expect(queue.pop(at: start + .seconds(10)) == 3)
        #expect(queue.pop(at: start + .seconds(10)) == nil)
        #expect(queue.next == nil)
    }

    @Test("behaves like a sorted list under random changes", arguments: 0..<20) func random(round: Int) {
        var generator = SeededGenerator(case: round)
        var queue = TimerQueue<Int>()
        var times: [Int: Instant] = [:]
        var now = start
        for _ in 0..<2000 {
            if generator.oneIn(3) {
                now = now + .milliseconds(Int.random(in: 0...20, using: &generator))
                while let key = queue.pop(at: now) {
                    #expect(times[key].map { $0 <= now } == true)
                    #expect(times[key] == times.values.min())
                    times[key] = nil
                }
                #expect(!times.values.contains { $0 <= now })
            } else {
                let key = Int.random(in: 0..<30, using: &generator)
                let time = generator.oneIn(5) ? nil : now + .milliseconds(Int.random(in: 0...100, using: &generator))
                queue.set(time, for: key)
                times[key] = time
            }
            // Stale entries may be earlier, never later.
            if let least = times.values.min() { #expect(queue.next.map { $0 <= least } == true) }
        }
    }
}
