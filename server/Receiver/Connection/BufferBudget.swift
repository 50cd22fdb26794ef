import Synchronization

/// Divides 64 MiB of buffers among their users: few users get large, fast buffers; a thousand slow clients get small ones
/// and do not take a thousand times the memory.
final class BufferBudget: Sendable {
    /// For all users together, in bytes.
    private static let total = 64 * 1024 * 1024
    /// With smaller buffers more time is spent on calls than on bytes.
    private static let minimum = 16 * 1024

    private let users = Atomic(0)

    func join() { users.add(1, ordering: .relaxed) }
    func leave() { users.subtract(1, ordering: .relaxed) }

    /// How many bytes one user may buffer: a power of two, because SwiftNIO rounds buffers up to one.
    ///
    /// - Parameter maximum: the size above which nothing gets faster; a power of two.
    func size(upTo maximum: Int) -> Int {
        let share = max(Self.minimum, Self.total / max(1, users.load(ordering: .relaxed)))
        return min(maximum, 1 << (Int.bitWidth - 1 - share.leadingZeroBitCount))
    }
}
