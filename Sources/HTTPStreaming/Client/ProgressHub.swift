internal import Synchronization

/// Passes progress to all listeners. Never waits for a listener: a slow one misses values, but not the last one.
final class ProgressHub<Progress: Hashable & Sendable>: Sendable {
    private struct State {
        var listeners: [UInt64: AsyncStream<Progress>.Continuation] = [:]
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
    func subscribe() -> (stream: AsyncStream<Progress>, continuation: AsyncStream<Progress>.Continuation) {
        let pair = AsyncStream<Progress>.makeStream(bufferingPolicy: .bufferingNewest(1))
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

    func publish(_ progress: Progress) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(progress) }
    }
}

/// The last progress that was reported for an upload, by its agent, or for a download, by the task that reads it.
final class ProgressCounter<Progress: Hashable & Sendable>: Sendable {
    private let last: Mutex<Progress>
    private let watched = Atomic<Bool>(false)
    let hub: ProgressHub<Progress>

    init(_ hub: ProgressHub<Progress>, from beginning: Progress) {
        self.hub = hub
        last = Mutex(beginning)
    }

    var progress: Progress { last.withLock { $0 } }

    /// Makes progress wanted until the end, also without listeners to the hub.
    func watch() { watched.store(true, ordering: .relaxed) }

    /// Whether progress must be reported.
    var isWanted: Bool { watched.load(ordering: .relaxed) || hub.isListening }

    /// Starts again from there, when the request is sent again.
    func reset(to beginning: Progress) { last.withLock { $0 = beginning } }

    /// Stores the progress, and passes it to listeners if it changed.
    func report(_ progress: Progress) {
        let isNew = last.withLock { last in
            defer { last = progress }
            return last != progress
        }
        if isNew, hub.isListening { hub.publish(progress) }
    }
}

extension ProgressCounter {
    /// Calls a closure with the values of the hub while `body` runs, and at the end with the last value of the counter.
    /// The closure runs in child tasks, one call at a time, never on the caller's actor.
    nonisolated(nonsending) func reporting<Value, Failure>(
        to listener: (@Sendable (Progress) -> Void)?, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard let listener else { return try await body() }
        watch()
        let (values, continuation) = hub.subscribe()
        return try await withTaskGroup(of: Progress?.self) { group in
            group.addTask {
                var last: Progress?
                for await value in values {
                    listener(value)
                    last = value
                }
                return last
            }
            let result = await Result(body)
            continuation.finish()
            // In another task, since the first one ends early when it is cancelled.
            let (last, final) = (await group.next() ?? nil, progress)
            if final != last {
                group.addTask {
                    listener(final)
                    return nil
                }
            }
            return result
        }.get()
    }
}
