import NIOCore
import Synchronization

/// Decides how many bytes one read from a connection takes: few at first, more while reads fill their buffer, and never
/// more than the connection's share of the budget. An idle connection keeps a buffer of that size.
///
/// Reads are large only for large bodies: a large read of requests without a body, or of tiny chunks, would hold
/// thousands of them, which would all be parsed in one turn of the event loop.
struct SharedReadAllocator: RecvByteBufferAllocator {
    private static let minimum = 4 * 1024
    private static let maximumForHeads = 16 * 1024

    private let budget: BufferBudget
    private let body: BodyFlag
    private var adaptive: AdaptiveRecvByteBufferAllocator

    /// - Parameters:
    ///   - body: whether a body is being received in large pieces.
    ///   - maximum: the size of the largest read, in bytes.
    init(budget: BufferBudget, body: BodyFlag, maximum: Int) {
        self.budget = budget
        self.body = body
        adaptive = AdaptiveRecvByteBufferAllocator(
            minimum: Self.minimum, initial: Self.minimum, maximum: max(Self.minimum, maximum))
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: nextBufferSize() ?? Self.minimum)
    }

    func nextBufferSize() -> Int? {
        adaptive.nextBufferSize().map { budget.size(upTo: body.isSet ? $0 : min($0, Self.maximumForHeads)) }
    }

    mutating func record(actualReadBytes: Int) -> Bool { adaptive.record(actualReadBytes: actualReadBytes) }
}

/// Set while a connection receives a body in large pieces. The connection's handler sets it and its allocator reads it,
/// both on the same event loop.
final class BodyFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool {
        get { value.load(ordering: .relaxed) }
        set { value.store(newValue, ordering: .relaxed) }
    }
}
