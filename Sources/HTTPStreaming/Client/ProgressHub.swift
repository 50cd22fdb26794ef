internal import Synchronization

/// Passes the progress of a client's requests on to all who listen. Never waits for one of them: who
/// is slow misses values, but not the last one.
final class ProgressHub: Sendable {
    private struct State {
        var listeners: [UInt64: AsyncStream<UploadProgress>.Continuation] = [:]
        var lastListener: UInt64 = 0
    }

    private let state = Mutex(State())
    private let listening = Atomic<Bool>(false)

    deinit {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.finish() }
    }

    /// Whether anybody does; else there is nothing to be counted for them.
    var isListening: Bool { listening.load(ordering: .relaxed) }

    /// What comes from now on. Ends with the hub, or when the continuation is finished.
    func subscribe() -> (stream: AsyncStream<UploadProgress>, continuation: AsyncStream<UploadProgress>.Continuation) {
        let pair = AsyncStream<UploadProgress>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = pair.continuation
            listening.store(true, ordering: .relaxed)
            return state.lastListener
        }
        pair.continuation.onTermination = { [weak self] _ in self?.remove(id) }
        return pair
    }

    private func remove(_ id: UInt64) {
        // What is removed is let go outside of the lock.
        _ = state.withLock { state in
            defer { listening.store(!state.listeners.isEmpty, ordering: .relaxed) }
            return state.listeners.removeValue(forKey: id)
        }
    }

    func publish(_ progress: UploadProgress) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(progress) }
    }
}

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
