import NIOPosix
import Platform
import Synchronization

/// Runs the blocking operations of one request in order, on thread pools, while the next bytes are being received.
///
/// One job runs all operations that were appended since the previous job started: the slower the disk, or the smaller the
/// pieces, the fewer the jobs. Other requests get their turn between two jobs.
final class WriteQueue: Sendable {
    /// ``append(_:_:bytes:_:)`` suspends while more bytes than this, or than this queue's share of the budget, are unwritten.
    private static let limit = 1024 * 1024
    /// What an operation costs at least: so many bytes are written in the same time.
    private static let leastCost = 4096

    /// What an operation waits for, which decides the threads that run it.
    enum Waiting: Sendable {
        /// Little: for the system's memory, most of the time.
        case briefly
        /// For the disk.
        case forDisk
    }

    private struct Operation {
        let action: String
        let waiting: Waiting
        /// The bytes that it writes, ``leastCost`` at least.
        let cost: Int
        let body: @Sendable () throws(SystemError) -> Void
    }

    private struct State {
        var pending: [Operation] = []
        /// Of `pending` and of the running job.
        var cost = 0
        var isRunning = false
        /// The first failure; nothing runs after it.
        var failure: StorageError?
        /// Resumed when the cost is at most `cost`.
        var waiter: (cost: Int, continuation: CheckedContinuation<Void, Never>)?

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            guard let waiter, cost <= waiter.cost else { return nil }
            self.waiter = nil
            return waiter.continuation
        }
    }

    private let threadPool: NIOThreadPool
    /// For operations that wait for the disk.
    private let syncPool: NIOThreadPool
    private let budget: BufferBudget
    private let state = Mutex(State())

    init(threadPool: NIOThreadPool, syncPool: NIOThreadPool, budget: BufferBudget) {
        (self.threadPool, self.syncPool, self.budget) = (threadPool, syncPool, budget)
        budget.join()
    }

    deinit { budget.leave() }

    /// Appends an operation. Suspends while too many bytes are unwritten.
    ///
    /// - Parameters:
    ///   - action: what fails if `body` throws, for the error message.
    ///   - byteCount: how many bytes it writes.
    /// - Throws: the error of this operation or an earlier one; ``StorageError/serverIsStopping`` instead of suspending if
    ///   the task is cancelled.
    func append(
        _ action: String, _ waiting: Waiting = .briefly, bytes byteCount: Int = 0,
        _ body: @escaping @Sendable () throws(SystemError) -> Void
    ) async throws(StorageError) {
        let operation = Operation(
            action: action, waiting: waiting, cost: max(byteCount, Self.leastCost), body: body)
        let isFirst = state.withLock { state in
            guard state.failure == nil else { return false }
            state.pending.append(operation)
            state.cost += operation.cost
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst { submit(waiting) }
        try await wait(untilAtMost: budget.size(upTo: Self.limit))
    }

    /// Suspends until all operations have ended.
    ///
    /// - Throws: as ``append(_:_:bytes:_:)`` does.
    func drain() async throws(StorageError) { try await wait(untilAtMost: 0) }

    /// Discards the operations that have not begun. Suspends until the running job has ended, also in a cancelled task.
    func cancel() async {
        state.withLock { state in
            for operation in state.pending { state.cost -= operation.cost }
            state.pending = []
        }
        await withCheckedContinuation { wait(untilAtMost: 0, $0) }
    }

    private func wait(untilAtMost cost: Int) async throws(StorageError) {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(untilAtMost: cost, continuation)
                if Task.isCancelled { stopWaiting() }
            }
        } onCancel: {
            stopWaiting()
        }
        let failure = state.withLock { $0.failure ?? ($0.cost > cost ? .serverIsStopping : nil) }
        if let failure { throw failure }
    }

    private func wait(untilAtMost cost: Int, _ continuation: CheckedContinuation<Void, Never>) {
        let ready = state.withLock { state in
            precondition(state.waiter == nil, "two tasks use one transaction at the same time")
            state.waiter = (cost, continuation)
            return state.takeWaiter()
        }
        ready?.resume()
    }

    private func stopWaiting() { state.withLock { $0.waiter.take()?.continuation }?.resume() }

    private func submit(_ waiting: Waiting) {
        let threadPool =
            switch waiting {
            case .briefly: threadPool
            case .forDisk: syncPool
            }
        threadPool.submit { [self] poolState in
            switch poolState {
            case .active: run()
            case .cancelled: end([], .serverIsStopping)
            }
        }
    }

    /// Runs the next operations that need the same threads.
    private func run() {
        let batch = state.withLock { state in
            let waiting = state.pending.first?.waiting
            let count = state.pending.firstIndex { $0.waiting != waiting } ?? state.pending.count
            defer { state.pending.removeFirst(count) }
            return state.pending.prefix(count)
        }
        for operation in batch {
            do throws(SystemError) {
                try operation.body()
            } catch {
                return end(batch, error.storageError(operation.action))
            }
        }
        end(batch, nil)
    }

    private func end(_ batch: ArraySlice<Operation>, _ failure: StorageError?) {
        let ended = batch.reduce(0) { $0 + $1.cost }
        let (next, waiter) = state.withLock { state in
            state.cost -= ended
            if let failure {
                state.failure = failure
                state.pending = []
                state.cost = 0
            }
            state.isRunning = !state.pending.isEmpty
            return (state.pending.first?.waiting, state.takeWaiter())
        }
        // Outside of the lock: the resumed task may call this queue at once.
        waiter?.resume()
        if let next { submit(next) }
    }
}
