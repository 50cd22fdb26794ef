import NIOCore

/// Decides how much one read from a connection takes: little at first, more while reads are full, and never more than
/// a share. A connection keeps a buffer of that size while it is idle.
struct SharedReadAllocator: RecvByteBufferAllocator {
    private static let least = 4 * 1024

    private let share: BufferShare
    private var adaptive: AdaptiveRecvByteBufferAllocator

    init(share: BufferShare, largest: Int) {
        self.share = share
        adaptive = AdaptiveRecvByteBufferAllocator(
            minimum: Self.least, initial: Self.least, maximum: max(Self.least, largest))
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: nextBufferSize() ?? Self.least)
    }

    func nextBufferSize() -> Int? { adaptive.nextBufferSize().map { share.size(upTo: $0) } }

    mutating func record(actualReadBytes: Int) -> Bool { adaptive.record(actualReadBytes: actualReadBytes) }
}
