import Testing

@testable import Platform

@Suite("Instant")
struct InstantTests {
    @Test("counts as ContinuousClock does") func clock() async throws {
        let (start, other) = (Instant.now, ContinuousClock.now)
        try await Task.sleep(for: .milliseconds(20))
        let (elapsed, expected) = (Instant.now - start, ContinuousClock.now - other)
        // What comes between the two questions is counted by one of them.
        #expect(abs((elapsed - expected) / .seconds(1)) < 1)
        #expect(elapsed >= .milliseconds(20))
    }

    @Test("addition and comparison work for any distance") func arithmetic() {
        let now = Instant.now
        #expect(now + .nanoseconds(1) > now)
        #expect(now + .seconds(2) - now == .seconds(2))
        #expect(now - .milliseconds(1500) + .milliseconds(1500) == now)
        #expect(now + .seconds(-1) < now)
        #expect(now + .seconds(Int64.max) > now + .seconds(3_000_000_000))
        #expect(now - .seconds(Int64.max) < now)
        #expect(Instant.earlier(nil, nil) == nil)
        #expect(Instant.earlier(now, nil) == now && Instant.earlier(nil, now) == now)
        #expect(Instant.earlier(now, now + .seconds(1)) == now && Instant.earlier(now + .seconds(1), now) == now)
    }
}
