internal import Synchronization

/// Runs the calls of a client one at a time, in the order in which they were made.
final class CallQueue: Sendable {
    /// Resumes a call that waits for its turn.
    private typealias Turn = CheckedContinuation<Result<Void, ClientError>, Never>

    private struct State {
        var isRunning = false
        var queue: [(ticket: UInt64, continuation: Turn)] = []
        var nextTicket: UInt64 = 0
        /// Tickets whose tasks were cancelled before they joined the queue.
        var cancelled: Set<UInt64> = []
        /// The last ticket cancelled by ``CallQueue/cancelAll()``; all lower ones are cancelled too.
        var lastCancelled: UInt64 = 0
        /// Cancels the task of ``Call/run(_:)`` that the running call waits for.
        var cancelRunning: (@Sendable () -> Void)?
        /// Cancel the tasks of ``Call/sleep(_:)``, by the tickets of the calls.
        var cancelSleeping: [UInt64: @Sendable () -> Void] = [:]
    }

    /// The running call; the argument of the closure given to ``CallQueue/run(isolation:_:)``.
    struct Call: Sendable {
        fileprivate let queue: CallQueue
        fileprivate let ticket: UInt64

        /// Runs a step in a task that is cancelled with the task of the call and by ``CallQueue/cancelAll()``.
        func run<Value: Sendable>(
            _ body: @escaping @Sendable () async throws(ClientError) -> Value
        ) async throws(ClientError) -> Value {
            let task = Task { await Result(body) }
            let isCancelled = queue.state.withLock { state in
                state.cancelRunning = { task.cancel() }
                return ticket <= state.lastCancelled
            }
            if isCancelled { task.cancel() }
            defer { queue.state.withLock { $0.cancelRunning = nil } }
            return try await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }.get()
        }

        /// Suspends while other calls may run; for a call that has ended. One at a time.
        ///
        /// - Throws: ``ClientError/Code/cancelled`` if the task is cancelled, or all calls are.
        func sleep(_ delay: Duration) async throws(ClientError) {
            let task = Task { try await Task.sleep(for: delay) }
            queue.state.withLock { $0.cancelSleeping[ticket] = { task.cancel() } }
            defer { queue.state.withLock { $0.cancelSleeping[ticket] = nil } }
            if isCancelled { task.cancel() }
            do {
                try await withTaskCancellationHandler {
                    try await task.value
                } onCancel: {
                    task.cancel()
                }
            } catch {
                throw ClientError.cancelled()
            }
        }

        /// Whether ``CallQueue/cancelAll()`` was called after this call was made.
        var isCancelled: Bool { queue.state.withLock { ticket <= $0.lastCancelled } }
    }

    private let state = Mutex(State())

    /// Runs `body` after all earlier calls have ended; suspends until then.
    ///
    /// - Throws: the error of `body`, or ``ClientError/Code/cancelled`` if the task or all calls are cancelled
    ///   before it starts.
    func run<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Call) async throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        let ticket = try await enter()
        defer { leave() }
        return try await body(Call(queue: self, ticket: ticket))
    }

    /// Cancels all calls made so far. Waiting calls throw; in the running call ``Call/isCancelled`` is true.
    func cancelAll() {
        let (queue, cancelSteps) = state.withLock { state in
            state.lastCancelled = state.nextTicket
            defer { state.queue = [] }
            return (state.queue, Array(state.cancelSleeping.values) + (state.cancelRunning.map { [$0] } ?? []))
        }
        for cancel in cancelSteps { cancel() }
        for (_, continuation) in queue { continuation.resume(returning: .failure(.cancelled())) }
    }

    private func enter(isolation: isolated (any Actor)? = #isolation) async throws(ClientError) -> UInt64 {
        let (ticket, mayRun) = state.withLock { state in
            state.nextTicket += 1
            defer { state.isRunning = true }
            return (state.nextTicket, !state.isRunning)
        }
        if mayRun {
            guard Task.isCancelled else { return ticket }
            leave()
            throw ClientError.cancelled()
        }
        try await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: Turn) in
                let outcome = state.withLock { state -> Result<Void, ClientError>? in
                    if state.cancelled.remove(ticket) != nil || ticket <= state.lastCancelled {
                        return .failure(.cancelled())
                    }
                    guard state.isRunning else {
                        state.isRunning = true
                        return .success(())
                    }
                    state.queue.append((ticket, continuation))
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let continuation = state.withLock { state -> Turn? in
                guard let index = state.queue.firstIndex(where: { $0.ticket == ticket }) else {
                    state.cancelled.insert(ticket)
                    return nil
                }
                return state.queue.remove(at: index).continuation
            }
            continuation?.resume(returning: .failure(.cancelled()))
        }.get()
        // If the task was cancelled at the same time, the body checks for that itself.
        state.withLock { _ = $0.cancelled.remove(ticket) }
        return ticket
    }

    private func leave() {
        let next = state.withLock { state -> Turn? in
            guard !state.queue.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.queue.removeFirst().continuation
        }
        next?.resume(returning: .success(()))
    }
}
