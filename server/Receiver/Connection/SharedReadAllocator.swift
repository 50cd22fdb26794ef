import NIOCore
import Synchronization

/// Decides how much one read from a connection takes: little at first, more while reads are full, and never more than
/// a share. A connection keeps a buffer of that size while it is idle.
///
/// Large reads are for large bodies: one of requests without any, or of tiny chunks, holds thousands, all of which are
/// parsed at once.
struct SharedReadAllocator: RecvByteBufferAllocator {
    private static let least = 4 * 1024

    private static let mostOfHeads = 16 * 1024

    private let share: BufferShare
    private let body: BodyFlag
    private var adaptive: AdaptiveRecvByteBufferAllocator

    /// - Parameter body: whether a body is being read, in pieces that are not tiny.
    init(share: BufferShare, body: BodyFlag, largest: Int) {
        self.share = share
        self.body = body
        adaptive = AdaptiveRecvByteBufferAllocator(
            minimum: Self.least, initial: Self.least, maximum: max(Self.least, largest))
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: nextBufferSize() ?? Self.least)
    }

    func nextBufferSize() -> Int? {
        adaptive.nextBufferSize().map { share.size(upTo: body.isSet ? $0 : min($0, Self.mostOfHeads)) }
    }

    mutating func record(actualReadBytes: Int) -> Bool { adaptive.record(actualReadBytes: actualReadBytes) }
}

/// What a connection's handler tells its allocator, both on the same event loop.
final class BodyFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool {
        get { value.load(ordering: .relaxed) }
        set { value.store(newValue, ordering: .relaxed) }
    }
}
