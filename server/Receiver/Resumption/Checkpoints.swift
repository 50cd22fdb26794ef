import Synchronization

/// Decides when the received bytes of an upload are recorded, and how many of them are stored durably. One checkpoint runs at
/// a time, while the upload continues.
final class Checkpoints: Sendable {
    /// The most bytes that a checkpoint keeps in memory, apart from one piece of the body.
    static let literalLimit = 256 << 10

    private struct State {
        /// Of the last checkpoint that has ended or runs.
        var begun: Int
        var isRunning = false
        var failure: StorageError?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// - Parameter offset: how many bytes are stored durably.
    init(from offset: Int) { state = Mutex(State(begun: offset)) }

    /// Whether a checkpoint should begin now.
    ///
    /// - Parameters:
    ///   - offset: how many bytes have been received.
    ///   - unrecordedBytes: how many of them are kept in memory.
    ///   - transaction: decides when it is worth the effort.
    func isDue(at offset: Int, unrecordedBytes: Int, _ transaction: (any ResumableTransaction)?) -> Bool {
        let (begun, isRunning) = state.withLock { ($0.begun, $0.isRunning) }
        if unrecordedBytes >= Self.literalLimit { return true }
        return !isRunning && transaction?.isCheckpointDue(after: offset - begun) ?? false
    }

    /// A checkpoint begins. None may be running.
    func begin(at offset: Int) { state.withLock { ($0.begun, $0.isRunning) = (offset, true) } }

    func end(_ error: StorageError?) {
        let waiters = state.withLock { state in
            state.isRunning = false
            state.failure = state.failure ?? error
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Suspends until no checkpoint runs; not cancellable.
    ///
    /// - Throws: the error of a checkpoint. What has been received since the one before it has to be sent again.
    func wait() async throws(StorageError) {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.isRunning { state.waiters.append(continuation) }
                return !state.isRunning
            }
            if isReady { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }
}
