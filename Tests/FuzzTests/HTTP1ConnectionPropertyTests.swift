import TestSupport
import Testing

@Suite("HTTP/1 connection state machine: random events") struct HTTP1ConnectionPropertyTests {
    @Test("every random order of events keeps the promises of a connection") func randomEvents() {
        print("HTTP1ConnectionPropertyTests: TEST_SEED=\(SeededGenerator.seed)")
        for number in 0..<5000 {
            var random = SeededGenerator(case: number)
            let events = random.bytes(random.pick([10, 40, 120]))
            do {
                try events.withBytes(HTTP1ConnectionCheck.run)
            } catch {
                Issue.record("case \(number), TEST_SEED=\(SeededGenerator.seed): \(error)")
                return
            }
        }
    }
}
