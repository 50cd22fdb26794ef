import Testing

@testable import Receiver

@Suite("Buffer budget of the server")
struct ServerBufferBudgetTests {
    @Test(
        "the more users share the budget, the smaller the buffer of each",
        arguments: [
            (0, 1 << 20), (1, 1 << 20), (64, 1 << 20), (65, 1 << 19), (100, 1 << 19), (1000, 1 << 16), (1025, 1 << 15),
            (10_000, 1 << 14), (1_000_000, 1 << 14),
        ] as [(Int, Int)])
    func shares(users: Int, size: Int) {
        let budget = BufferBudget()
        for _ in 0..<users { budget.join() }
        #expect(budget.size(upTo: 1 << 20) == size)
        #expect(budget.size(upTo: 1 << 18) == min(size, 1 << 18))
        for _ in 0..<users { budget.leave() }
        #expect(budget.size(upTo: 1 << 20) == 1 << 20)
    }

    @Test("reads start small and grow up to the budget while a body is received") func reads() {
        let budget = BufferBudget()
        for _ in 0..<200 { budget.join() }
        let body = BodyFlag()
        var allocator = SharedReadAllocator(budget: budget, body: body, maximum: 1 << 20)
        #expect(allocator.nextBufferSize() == 4096)
        for _ in 0..<20 { _ = allocator.record(actualReadBytes: allocator.nextBufferSize() ?? 0) }
        #expect(allocator.nextBufferSize() == 1 << 14, "limited while only heads are received")
        body.isSet = true
        for _ in 0..<20 { _ = allocator.record(actualReadBytes: allocator.nextBufferSize() ?? 0) }
        #expect(allocator.nextBufferSize() == 1 << 18)
        for _ in 0..<200 { budget.leave() }
        for _ in 0..<20 { _ = allocator.record(actualReadBytes: allocator.nextBufferSize() ?? 0) }
        #expect(allocator.nextBufferSize() == 1 << 20)
        for _ in 0..<40 { _ = allocator.record(actualReadBytes: 1) }
        #expect(allocator.nextBufferSize() == 4096)
    }
}
