internal import Synchronization

/// The pause and the rate limit of a client's uploads. Any thread may change them and then posts
/// ``Message/controlChanged(connection:)``, which makes the agent apply them.
final class UploadControl: Sendable {
    private let paused = Atomic<Bool>(false)
    /// In bytes a second; 0 for no limit.
    private let limit: Atomic<Int>

    init(maximumRate: Int?) { limit = Atomic(maximumRate ?? 0) }

    var isPaused: Bool {
        get { paused.load(ordering: .relaxed) }
        set { paused.store(newValue, ordering: .relaxed) }
    }

    /// In bytes of the body a second; nil for no limit.
    var maximumRate: Int? {
        get {
            let limit = limit.load(ordering: .relaxed)
            return limit == 0 ? nil : limit
        }
        set { limit.store(newValue.map { max(1, $0) } ?? 0, ordering: .relaxed) }
    }
}
