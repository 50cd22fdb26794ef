import Synchronization

/// Whether the storage can store files, for `GET /health`. However many requests ask, the storage is asked at most once a
/// second, and not again before it has answered.
final class StorageHealth: Sendable {
    /// How long an answer is used again.
    private static let lifetime = Duration.seconds(1)

    private typealias Answer = Result<Void, StorageError>
    private typealias Waiter = CheckedContinuation<Answer, Never>

    private enum State {
        /// → `asking`
        case unknown
        /// → `asking`
        case known(Answer, since: ContinuousClock.Instant)
        /// The storage is being asked. → `known`, `overdue`
        case asking(call: Int, [Waiter])
        /// The storage has not answered in time. → `known`
        case overdue
    }

    private enum Action {
        case ask(call: Int)
        case wait
        case use(Answer)
    }

    private let storage: any Storage
    private let deadline: Duration
    private let state = Mutex((state: State.unknown, calls: 0))

    /// - Parameter deadline: a storage that takes longer counts as failed until it answers.
    init(_ storage: any Storage, deadline: Duration = .seconds(5)) {
        self.storage = storage
        self.deadline = deadline
    }

    /// Suspends for the deadline at most, whatever the storage does.
    ///
    /// - Throws: the reason why nothing can be stored.
    func check() async throws(StorageError) {
        let answer = await withCheckedContinuation { waiter in
            switch state.withLock({ next(&$0.state, &$0.calls, waiter) }) {
            case .ask(let call): ask(call)
            case .wait: break
            case .use(let answer): waiter.resume(returning: answer)
            }
        }
        try answer.get()
    }

    private func next(_ state: inout State, _ calls: inout Int, _ waiter: Waiter) -> Action {
        switch state {
        case .known(let answer, let since) where ContinuousClock.now - since < Self.lifetime:
            return .use(answer)
        case .unknown, .known:
            calls += 1
            state = .asking(call: calls, [waiter])
            return .ask(call: calls)
        case .asking(let call, let waiters):
            state = .asking(call: call, waiters + [waiter])
            return .wait
        case .overdue:
            return .use(overdue)
        }
    }

    private func ask(_ call: Int) {
        let timer = Task {
            try await Task.sleep(for: deadline)
            let waiters: [Waiter] = state.withLock { state in
                guard case .asking(call, let waiters) = state.state else { return [] }
                state.state = .overdue
                return waiters
            }
            for waiter in waiters { waiter.resume(returning: overdue) }
        }
        Task {
            let answer = await answer()
            timer.cancel()
            let waiters: [Waiter] = state.withLock { state in
                defer { state.state = .known(answer, since: .now) }
                guard case .asking(_, let waiters) = state.state else { return [] }
                return waiters
            }
            for waiter in waiters { waiter.resume(returning: answer) }
        }
    }

    private func answer() async -> Answer {
        do {
            return .success(try await storage.check())
        } catch {
            return .failure(error)
        }
    }

    private var overdue: Answer {
        .failure(StorageError(.noResources, "the storage has not answered for \(deadline.components.seconds) s"))
    }
}
