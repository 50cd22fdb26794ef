internal import Synchronization

/// Lets one task through at a time, in the order in which they came.
final class Turnstile: Sendable {
    private struct State {
        var isTaken = false
        var queue: [(ticket: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
        var nextTicket: UInt64 = 0
        /// Tickets cancelled before they had queued.
        var cancelled: Set<UInt64> = []
        /// All tickets up to this one have been cancelled by ``Turnstile/cancelAll()``.
        var lastCancelled: UInt64 = 0
        /// Cancels what whoever is through is waiting for; see ``Turn/run(_:)``.
        var cancelRunning: (@Sendable () -> Void)?
    }

    /// What ``Turnstile/pass(isolation:_:)`` has let through.
    struct Turn: Sendable {
        fileprivate let turnstile: Turnstile
        fileprivate let ticket: UInt64

        /// Runs what may take long in a task of its own, which is cancelled with this one, and by
        /// ``Turnstile/cancelAll()``.
        func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
            let task = Task { try await body() }
            let isCancelled = turnstile.state.withLock { state in
                state.cancelRunning = { task.cancel() }
                return ticket <= state.lastCancelled
            }
            if isCancelled { task.cancel() }
            defer { turnstile.state.withLock { $0.cancelRunning = nil } }
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }

        /// Whether ``Turnstile/cancelAll()`` was called after this caller had come.
        var isCancelled: Bool { turnstile.state.withLock { ticket <= $0.lastCancelled } }
    }

    private let state = Mutex(State())

    /// Runs `body` when it is this caller's turn; suspends until then.
    ///
    /// - Throws: what `body` throws, or ``ClientError/Code/cancelled`` if the task is cancelled
    ///   before its turn, or all are.
    func pass<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Turn) async throws -> Result
    ) async throws -> Result {
        let ticket = try await enter()
        defer { leave() }
        return try await body(Turn(turnstile: self, ticket: ticket))
    }

    /// Ends the waiting of all who have come so far; whoever is through finds out by its
    /// ``Turn/isCancelled``.
    func cancelAll() {
        let (queue, cancelRunning) = state.withLock { state in
            state.lastCancelled = state.nextTicket
            defer { state.queue = [] }
            return (state.queue, state.cancelRunning)
        }
        cancelRunning?()
        for (_, continuation) in queue { continuation.resume(throwing: ClientError.cancelled()) }
    }

    private func enter(isolation: isolated (any Actor)? = #isolation) async throws -> UInt64 {
        let (ticket, isThrough) = state.withLock { state in
            state.nextTicket += 1
            defer { state.isTaken = true }
            return (state.nextTicket, !state.isTaken)
        }
        if isThrough {
            guard Task.isCancelled else { return ticket }
            leave()
            throw ClientError.cancelled()
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Void, ClientError>? in
                    if state.cancelled.remove(ticket) != nil || ticket <= state.lastCancelled {
                        return .failure(.cancelled())
                    }
                    guard state.isTaken else {
                        state.isTaken = true
                        return .success(())
                    }
                    state.queue.append((ticket, continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome.mapError { $0 }) }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let index = state.queue.firstIndex(where: { $0.ticket == ticket }) else {
                    state.cancelled.insert(ticket)
                    return nil
                }
                return state.queue.remove(at: index).continuation
            }
            continuation?.resume(throwing: ClientError.cancelled())
        }
        // Cancelled while passing: whoever passes finds out by itself.
        state.withLock { _ = $0.cancelled.remove(ticket) }
        return ticket
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.queue.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.queue.removeFirst().continuation
        }
        next?.resume()
    }
}
