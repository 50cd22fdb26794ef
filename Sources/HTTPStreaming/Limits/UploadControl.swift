internal import Synchronization

/// How a client's uploads are held back: written by anyone, obeyed by its agent, whom
/// ``Message/controlChanged(connection:)`` tells to look again.
final class UploadControl: Sendable {
    private let paused = Atomic<Bool>(false)
    /// 0 for none.
    private let limit: Atomic<Int>

    init(maximumRate: Int?) { limit = Atomic(maximumRate ?? 0) }

    var isPaused: Bool {
        get { paused.load(ordering: .relaxed) }
        set { paused.store(newValue, ordering: .relaxed) }
    }

    /// Bytes of a body a second; nil for as many as there can be.
    var maximumRate: Int? {
        get {
            let limit = limit.load(ordering: .relaxed)
            return limit == 0 ? nil : limit
        }
        set { limit.store(newValue.map { max(1, $0) } ?? 0, ordering: .relaxed) }
    }
}
