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
