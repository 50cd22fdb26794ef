import NIOCore
import NIOPosix
import Synchronization

/// Writes to the files of one request on a thread pool, while the next bytes are being read.
///
/// One job writes all that has come since the last one began: the slower the disk, or the smaller
/// the pieces, the fewer the jobs. Between two batches other requests have their turn.
final class WriteQueue: Sendable {
    /// With more bytes than this to be written, ``append(_:to:)`` suspends, or with more than this queue's share.
    private static let limit = 1024 * 1024

    private struct State {
        var pending: [(file: TemporaryFile, bytes: ByteBuffer)] = []
        /// Of `pending`, and of what is being written.
        var byteCount = 0
        var isWriting = false
        /// The first; nothing is written after it.
        var failure: StorageError?
        /// Waits until no more than so many bytes are to be written.
        var waiter: (bytes: Int, continuation: CheckedContinuation<Void, Never>)?

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            guard let waiter, byteCount <= waiter.bytes else { return nil }
            self.waiter = nil
            return waiter.continuation
        }
    }

    private let threadPool: NIOThreadPool
    private let share: BufferShare
    private let state = Mutex(State())

    init(threadPool: NIOThreadPool, share: BufferShare) {
        self.threadPool = threadPool
        self.share = share
        share.join()
    }

    deinit { share.leave() }

    /// Takes bytes to be written. Suspends while too many are waiting.
    ///
    /// - Throws: what went wrong with these bytes or earlier ones.
    func append(_ pieces: [ByteBuffer], to file: TemporaryFile) async throws(StorageError) {
        let begins = state.withLock { state in
            guard state.failure == nil else { return false }
            for piece in pieces {
                state.pending.append((file, piece))
                state.byteCount += piece.readableBytes
            }
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { submit() }
        try await wait(untilAtMost: share.size(upTo: Self.limit))
    }

    /// Suspends until all is written.
    func drain() async throws(StorageError) { try await wait(untilAtMost: 0) }

    /// Forgets what has not been written; suspends until nothing is being written.
    func cancel() async {
        state.withLock { state in
            for (_, bytes) in state.pending { state.byteCount -= bytes.readableBytes }
            state.pending = []
        }
        // What failed no longer matters.
        try? await wait(untilAtMost: 0)
    }

    private func wait(untilAtMost bytes: Int) async throws(StorageError) {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                precondition(state.waiter == nil, "one task at a time uses a transaction")
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
            case .cancelled: end([], StorageError(.noResources, "the server is stopping"))
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
        let (continues, waiter) = state.withLock { state in
            state.byteCount -= written
            if let failure {
                state.failure = failure
                state.pending = []
                state.byteCount = 0
            }
            state.isWriting = !state.pending.isEmpty
            return (state.isWriting, state.takeWaiter())
        }
        // Outside of the lock: what is resumed may come back at once.
        waiter?.resume()
        if continues { submit() }
    }
}
