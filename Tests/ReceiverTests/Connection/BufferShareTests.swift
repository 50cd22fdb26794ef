import Testing

@testable import Receiver

@Suite struct BufferShareTests {
    @Test(arguments: [
        (0, 1 << 20), (1, 1 << 20), (64, 1 << 20), (65, 1 << 19), (100, 1 << 19), (1000, 1 << 16), (1025, 1 << 15),
        (10_000, 1 << 14), (1_000_000, 1 << 14),
    ])
    func theMoreTheyAreTheLessEachHas(users: Int, size: Int) {
        let share = BufferShare()
        for _ in 0..<users { share.join() }
        #expect(share.size(upTo: 1 << 20) == size)
        #expect(share.size(upTo: 1 << 18) == min(size, 1 << 18))
        for _ in 0..<users { share.leave() }
        #expect(share.size(upTo: 1 << 20) == 1 << 20)
    }

    @Test func readsBeginSmallAndGrowToTheShare() {
        let share = BufferShare()
        for _ in 0..<200 { share.join() }
        let body = BodyFlag()
        var allocator = SharedReadAllocator(share: share, body: body, largest: 1 << 20)
        #expect(allocator.nextBufferSize() == 4096)
        for _ in 0..<20 { _ = allocator.record(actualReadBytes: allocator.nextBufferSize() ?? 0) }
        #expect(allocator.nextBufferSize() == 1 << 14, "heads only")
        body.isSet = true
        for _ in 0..<20 { _ = allocator.record(actualReadBytes: allocator.nextBufferSize() ?? 0) }
        #expect(allocator.nextBufferSize() == 1 << 18)
        for _ in 0..<200 { share.leave() }
        for _ in 0..<20 { _ = allocator.record(actualReadBytes: allocator.nextBufferSize() ?? 0) }
        #expect(allocator.nextBufferSize() == 1 << 20)
        for _ in 0..<40 { _ = allocator.record(actualReadBytes: 1) }
        #expect(allocator.nextBufferSize() == 4096)
    }
}
