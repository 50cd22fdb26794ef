import Synchronization

/// Admits one request at a time to an unfinished upload. A new request ends the one before it: a client sends one only when
/// it has lost the connection of the other, which the server may not have noticed.
final class WriterTurn: Sendable {
    private struct Waiter {
        let end: @Sendable () -> Void
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var isTaken = false
        /// Ends the request that has the turn.
        var endCurrent: (@Sendable () -> Void)?
        var waiting: Waiter?
    }

    private let state = Mutex(State())

    /// Suspends until the request before has ended.
    ///
    /// - Parameter end: ends this request; called, at most once, when a later one arrives.
    /// - Returns: false if a later request has arrived meanwhile, and this one has been ended.
    func enter(endingBy end: @escaping @Sendable () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let (isReady, endCurrent, displaced) = state.withLock { state -> (Bool, (@Sendable () -> Void)?, Waiter?) in
                guard state.isTaken else {
                    (state.isTaken, state.endCurrent) = (true, end)
                    return (true, nil, nil)
                }
                let displaced = state.waiting
                state.waiting = Waiter(end: end, continuation: continuation)
                return (false, state.endCurrent.take(), displaced)
            }
            if isReady { continuation.resume(returning: true) }
            endCurrent?()
            displaced?.end()
            displaced?.continuation.resume(returning: false)
        }
    }

    /// - Returns: whether nobody had the turn, so that the caller has it now.
    func enterIfFree() -> Bool {
        state.withLock { state in
            defer { state.isTaken = true }
            return !state.isTaken
        }
    }

    func leave() {
        let next = state.withLock { state in
            let next = state.waiting.take()
            state.isTaken = next != nil
            state.endCurrent = next?.end
            return next?.continuation
        }
        next?.resume(returning: true)
    }
}
