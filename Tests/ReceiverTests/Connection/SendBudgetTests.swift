import Testing

@testable import Receiver

@Suite("Memory for what waits to be sent")
struct SendBudgetTests {
    @Test("all shares together take the budget at most, and a minimum for each") func bounded() {
        let budget = SendBudget()
        let shares = (0..<10_000).map { _ in budget.share(upTo: 256 * 1024, atLeast: 4096) }
        #expect(shares.reduce(0) { $0 + $1.bytes } <= SendBudget.total + 10_000 * 4096)
        #expect(shares[0].bytes == 256 * 1024)
        #expect(shares[9999].bytes == 4096)
    }

    @Test("shares are returned by their last reference") func returned() {
        let budget = SendBudget()
        for _ in 0..<10_000 { #expect(budget.share(upTo: 1 << 20, atLeast: 1).bytes == 1 << 20) }
    }

    @Test("encoders take no more than half of the budget") func encoders() {
        let budget = SendBudget()
        let shares = (0..<1000).compactMap { _ in budget.share(of: 1 << 20) }
        #expect(shares.count == 32)
        #expect(budget.share(upTo: 256 * 1024, atLeast: 4096).bytes == 256 * 1024)
    }
}
