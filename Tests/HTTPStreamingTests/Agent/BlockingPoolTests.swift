import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("BlockingPool", .timeLimit(.minutes(3)))
struct BlockingPoolTests {
    @Test("only a few jobs run at a time, and all of them run") func limit() async throws {
        let pool = BlockingPool(limit: 3)
        let (running, most, done) = (Shared(0), Shared(0), Shared(0))
        for _ in 0..<300 {
            pool.run {
                running.update { $0 += 1 }
                let now = running.value
                most.update { $0 = max($0, now) }
                usleep(200)
                running.update { $0 -= 1 }
                done.update { $0 += 1 }
            }
        }
        #expect(try await eventually { done.value == 300 })
        #expect(most.value <= 3)
    }

    @Test("jobs that are stuck do not keep other jobs from running") func stuck() async throws {
        let pool = BlockingPool(limit: 2)
        let gate = Gate()
        defer { gate.open() }
        let done = Shared(0)
        for _ in 0..<5 { pool.run { gate.wait() } }
        for _ in 0..<20 { pool.run { done.update { $0 += 1 } } }
        #expect(try await eventually { done.value == 20 })
        #expect(!gate.isOpened)
    }
}
