internal import Synchronization

/// How far a request has got, as its agent has last said.
final class ProgressCounter: Sendable {
    private let last = Mutex(UploadProgress())
    private let watched = Atomic<Bool>(false)
    let hub: ProgressHub

    init(_ hub: ProgressHub) { self.hub = hub }

    var progress: UploadProgress { last.withLock { $0 } }

    /// From now on ``progress`` is wanted, until the request is over, whoever listens to the hub by then.
    func watch() { watched.store(true, ordering: .relaxed) }

    /// Whether anybody wants to know; else there is nothing to be counted.
    var isWanted: Bool { watched.load(ordering: .relaxed) || hub.isListening }

    /// The request is sent once more, from its beginning.
    func reset() { last.withLock { $0 = UploadProgress() } }

    /// Agent's side: notes it, and tells those who listen what is new.
    func report(_ progress: UploadProgress) {
        let isNew = last.withLock { last in
            defer { last = progress }
            return last != progress
        }
        if isNew, hub.isListening { hub.publish(progress) }
    }
}
