import Synchronization

/// Divides the memory for bytes that are under way among those that have some: each takes what is fast where they are
/// few, and less where they are many, so that a thousand slow clients do not take a thousand times as much.
final class BufferShare: Sendable {
    /// What they may have together, in bytes.
    private static let budget = 64 * 1024 * 1024
    /// Below this, time is spent on calls rather than on bytes.
    private static let least = 16 * 1024

    private let count = Atomic(0)

    func join() { count.add(1, ordering: .relaxed) }
    func leave() { count.subtract(1, ordering: .relaxed) }

    /// How many bytes one of them may have: a power of two, which buffers are rounded up to.
    ///
    /// - Parameter most: beyond which nothing gets faster; a power of two.
    func size(upTo most: Int) -> Int {
        let share = max(Self.least, Self.budget / max(1, count.load(ordering: .relaxed)))
        return min(most, 1 << (Int.bitWidth - 1 - share.leadingZeroBitCount))
    }
}
