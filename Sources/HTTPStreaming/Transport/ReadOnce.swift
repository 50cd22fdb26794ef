internal import Synchronization

/// Whether a source that can be read once only has been. Shared by all copies of its part.
final class ReadOnce: Sendable {
    private let hasBegun = Atomic<Bool>(false)

    var isBegun: Bool { hasBegun.load(ordering: .acquiring) }

    /// To be called before the first bytes are taken from the source.
    ///
    /// - Returns: false if somebody else has taken some.
    func begin() -> Bool { !hasBegun.exchange(true, ordering: .acquiringAndReleasing) }
}
