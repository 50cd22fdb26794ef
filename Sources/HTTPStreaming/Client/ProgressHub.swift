internal import Synchronization

/// Passes the progress of a client's requests to all listeners. Never waits for a listener: a slow one misses values,
/// but not the last one.
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

    /// Whether there are listeners; without any, progress need not be counted.
    var isListening: Bool { listening.load(ordering: .relaxed) }

    /// Adds a listener to the progress from now on. The stream ends with the hub, or when its continuation is finished.
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
        // The continuation is released outside of the lock.
        _ = state.withLock { state in
            defer { listening.store(!state.listeners.isEmpty, ordering: .relaxed) }
            return state.listeners.removeValue(forKey: id)
        }
    }

    func publish(_ progress: UploadProgress) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(progress) }
    }
}

/// The last progress that the agent reported for a request.
final class ProgressCounter: Sendable {
    private let last = Mutex(UploadProgress())
    private let watched = Atomic<Bool>(false)
    let hub: ProgressHub

    init(_ hub: ProgressHub) { self.hub = hub }

    var progress: UploadProgress { last.withLock { $0 } }

    /// Makes the agent report progress until the request ends, also without listeners to the hub.
    func watch() { watched.store(true, ordering: .relaxed) }

    /// Whether the agent must report progress.
    var isWanted: Bool { watched.load(ordering: .relaxed) || hub.isListening }

    /// Starts again from 0, when the request is sent again.
    func reset() { last.withLock { $0 = UploadProgress() } }

    /// Agent's side: stores the progress, and passes it to listeners if it changed.
    func report(_ progress: UploadProgress) {
        let isNew = last.withLock { last in
            defer { last = progress }
            return last != progress
        }
        if isNew, hub.isListening { hub.publish(progress) }
    }
}
