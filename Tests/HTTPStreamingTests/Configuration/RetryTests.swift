import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Retry")
struct RetryTests {
    private func delay(
        _ retry: Client.Retry, _ attempt: Int, elapsed: Duration = .zero, after: Duration? = nil, chance: Double = 1
    ) -> Duration? {
        retry.delay(afterAttempt: attempt, elapsed: elapsed, retryAfter: after, chance: chance)
    }

    @Test("each delay is twice the last one up to the maximum; half of it is random") func doubling() {
        let retry = Client.Retry(attempts: 100, delay: .seconds(1), maximumDelay: .seconds(10))
        let delays = (1...6).map { delay(retry, $0) }
        #expect(delays == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
        #expect(delay(retry, 3, chance: 0) == .seconds(2))
        #expect(delay(retry, 3, chance: 0.5) == .seconds(3))
        #expect(delay(retry, 99) == .seconds(10) && delay(retry, 100) == nil)
        // A delay does not overflow and is computed quickly.
        let extreme = Client.Retry(
            attempts: .max, delay: .seconds(Int64.max), maximumDelay: .seconds(Int64.max),
            maximumTime: .seconds(Int64.max))
        #expect(delay(extreme, .max - 1, chance: 0) != nil)
        #expect(delay(Client.Retry(attempts: .max, delay: .zero), 1_000_000) == .zero)
    }

    @Test("Retry-After extends the delay beyond the maximum, but not beyond the time limit") func retryAfter() {
        let retry = Client.Retry(delay: .seconds(1), maximumDelay: .seconds(2), maximumTime: .seconds(60))
        #expect(delay(retry, 1, after: .seconds(30)) == .seconds(30))
        #expect(delay(retry, 1, after: .zero) == .seconds(1))
        #expect(delay(retry, 1, elapsed: .seconds(30), after: .seconds(30)) == .seconds(30))
        #expect(delay(retry, 1, elapsed: .seconds(31), after: .seconds(30)) == nil)
        #expect(delay(retry, 1, after: .seconds(Int64(Int32.max))) == nil)
    }

    @Test("only certain methods, statuses and errors are retried") func covered() {
        let retry = Client.Retry()
        for method in [Client.Method.get, .head, .put, .delete] { #expect(retry.covers(method)) }
        for method in [Client.Method.post, .patch, Client.Method("PROPFIND")] { #expect(!retry.covers(method)) }
        #expect(Client.Retry(includesNonIdempotentMethods: true).covers(.post))
        #expect(!Client.Retry.never.covers(.get))
        let statuses = (100...599).filter { Client.Retry.covers(status: $0) }
        #expect(statuses == [408, 425, 429, 500, 502, 503, 504])
        #expect(!Client.Retry.covers(.cancelled) && !Client.Retry.covers(.sourceChanged))
    }

    @Test(
        "Retry-After is read as seconds and as a date",
        arguments: [
            ("0", 0), ("120", 120), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("99999999999", Int(Int32.max)),
        ])
    func values(value: String, seconds: Int) {
        #expect(Client.Retry.duration(retryAfter: value) == .seconds(seconds))
    }

    @Test("an invalid Retry-After is ignored", arguments: ["", "-1", "soon", "1.5", "99999999999999999999"])
    func invalid(value: String) {
        #expect(Client.Retry.duration(retryAfter: value) == nil)
    }

    @Test("invalid settings are refused") func validation() {
        for retry in [
            Client.Retry(attempts: 0), Client.Retry(delay: .seconds(-1)), Client.Retry(maximumDelay: .seconds(-1)),
            Client.Retry(maximumTime: .seconds(-1)),
        ] {
            #expect(refusal { $0.retry = retry }?.code == .invalidConfiguration)
        }
        #expect(refusal { $0.maximumRedirects = -1 } != nil)
    }
}
