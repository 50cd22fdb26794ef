import NIOCore
import NIOPosix
import Platform
import Synchronization

/// Writes the files of one request on a thread pool while the next bytes are being received.
///
/// One job writes all bytes that were appended since the previous job started: the slower the disk, or the smaller the
/// pieces, the fewer the jobs. Other requests get their turn between two jobs.
final class WriteQueue: Sendable {
    /// ``append(_:to:)`` suspends while more bytes than this, or than this queue's share of the budget, are unwritten.
    private static let limit = 1024 * 1024

    private struct State {
        var pending: [(file: TemporaryFile, bytes: ByteBuffer)] = []
        /// Of `pending` and of the running job.
        var byteCount = 0
        var isWriting = false
        /// The first failure; nothing is written after it.
        var failure: StorageError?
        /// Resumed when at most `bytes` bytes are unwritten.
        var waiter: (bytes: Int, continuation: CheckedContinuation<Void, Never>)?

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            guard let waiter, byteCount <= waiter.bytes else { return nil }
            self.waiter = nil
            return waiter.continuation
        }
    }

    private let threadPool: NIOThreadPool
    private let budget: BufferBudget
    private let state = Mutex(State())

    init(threadPool: NIOThreadPool, budget: BufferBudget) {
        self.threadPool = threadPool
        self.budget = budget
        budget.join()
    }

    deinit { budget.leave() }

    /// Queues bytes to be written. Suspends while too many bytes are unwritten.
    ///
    /// - Throws: the error of writing these bytes or earlier ones.
    func append(_ pieces: [ByteBuffer], to file: TemporaryFile) async throws(StorageError) {
        let isFirst = state.withLock { state in
            guard state.failure == nil else { return false }
            for piece in pieces {
                state.pending.append((file, piece))
                state.byteCount += piece.readableBytes
            }
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { submit() }
        try await wait(untilAtMost: budget.size(upTo: Self.limit))
    }

    /// Suspends until all bytes are written.
    func drain() async throws(StorageError) { try await wait(untilAtMost: 0) }

    /// Discards unwritten bytes. Suspends until the running job has ended.
    func cancel() async {
        state.withLock { state in
            for (_, bytes) in state.pending { state.byteCount -= bytes.readableBytes }
            state.pending = []
        }
        // An earlier failure no longer matters.
        try? await wait(untilAtMost: 0)
    }

    private func wait(untilAtMost bytes: Int) async throws(StorageError) {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                precondition(state.waiter == nil, "two tasks use one transaction at the same time")
                state.waiter = (bytes, continuation)
                return state.takeWaiter()
            }
            ready?.resume()
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func submit() {
        threadPool.submit { [self] poolState in
            switch poolState {
            case .active: writeBatch()
            case .cancelled: end([], .serverIsStopping)
            }
        }
    }

    private func writeBatch() {
        let batch = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        do throws(SystemError) {
            for (file, bytes) in batch {
                try bytes.withUnsafeReadableBytes { bytes throws(SystemError) in try file.write(bytes) }
            }
            end(batch, nil)
        } catch {
            end(batch, error.storageError("cannot write a file"))
        }
    }

    private func end(_ batch: [(file: TemporaryFile, bytes: ByteBuffer)], _ failure: StorageError?) {
        let written = batch.reduce(0) { $0 + $1.bytes.readableBytes }
        let (hasMore, waiter) = state.withLock { state in
            state.byteCount -= written
            if let failure {
                state.failure = failure
                state.pending = []
                state.byteCount = 0
            }
            state.isWriting = !state.pending.isEmpty
            return (state.isWriting, state.takeWaiter())
        }
        // Outside of the lock: the resumed task may call this queue at once.
        waiter?.resume()
        if hasMore { submit() }
    }
}
