internal import Synchronization

/// The content of a response on its way from the agent to its reader: a bounded queue.
///
/// The agent never waits: a chunk that does not fit is refused, and taken again when the reader
/// has caught up.
final class ContentBuffer: Sendable {
    /// Where there are not many clients.
    static let defaultHighWater = 256 << 10
    /// With any number of clients.
    static let minimumHighWater = 16 << 10

    /// Chunks are refused from this many bytes on, so that at most this and one chunk are held.
    let highWater: Int
    /// The agent is told to go on when no more than this is left.
    var lowWater: Int { highWater / 4 }

    private enum Ending {
        case complete
        case failed(ClientError)
    }

    private enum Step {
        case chunk([UInt8], unblocks: Bool)
        case wait
        case end(Ending)
    }

    private struct State {
        var chunks: [[UInt8]] = []
        /// The first of `chunks` not yet taken.
        var first = 0
        var bytes = 0
        /// A chunk was refused.
        var isBlocked = false
        var ending: Ending?
        /// The transfer has ended, its upload too.
        var isOver = false
        var reader: CheckedContinuation<[UInt8]?, any Error>?

        mutating func step(lowWater: Int) -> Step {
            if let chunk = pop() {
                let unblocks = isBlocked && bytes <= lowWater
                if unblocks { isBlocked = false }
                return .chunk(chunk, unblocks: unblocks)
            }
            if let ending { return .end(ending) }
            return .wait
        }

        private mutating func pop() -> [UInt8]? {
            guard first < chunks.count else { return nil }
            let chunk = chunks[first]
            chunks[first] = []
            first += 1
            bytes -= chunk.count
            if first == chunks.count {
                chunks.removeAll(keepingCapacity: true)
                first = 0
            }
            return chunk
        }
    }

    private let state = Mutex(State())

    init(highWater: Int = defaultHighWater) { self.highWater = highWater }

    /// Agent's side. Returns false if the reader is too far behind, and nothing was taken.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (isTaken, reader) = state.withLock { state -> (Bool, CheckedContinuation<[UInt8]?, any Error>?) in
            if let reader = state.reader.take() { return (true, reader) }
            guard state.bytes < highWater else {
                state.isBlocked = true
                return (false, nil)
            }
            state.chunks.append(Array(bytes))
            state.bytes += bytes.count
            return (true, nil)
        }
        reader?.resume(returning: Array(bytes))
        return isTaken
    }

    /// Agent's side: there is nothing left that a reader could let go of, but what has come.
    func transferEnded() { state.withLock { $0.isOver = true } }

    /// Agent's side: no more will come.
    func complete() { end(.complete, keepingChunks: true) }

    /// Agent's side: no more will come. What has come can still be read, unless `keepingChunks`
    /// is false.
    func fail(_ error: ClientError, keepingChunks: Bool = true) {
        end(.failed(error), keepingChunks: keepingChunks)
    }

    /// What it has failed with, if it has.
    var failure: ClientError? {
        state.withLock { state in
            if case .failed(let error) = state.ending { error } else { nil }
        }
    }

    private func end(_ ending: Ending, keepingChunks: Bool) {
        let reader = state.withLock { state -> CheckedContinuation<[UInt8]?, any Error>? in
            guard state.ending == nil else { return nil }
            state.ending = ending
            if !keepingChunks {
                state.chunks = []
                state.first = 0
                state.bytes = 0
            }
            return state.reader.take()
        }
        guard let reader else { return }
        switch ending {
        case .complete: reader.resume(returning: nil)
        case .failed(let error): reader.resume(throwing: error)
        }
    }

    /// Reader's side: whether the transfer is over, and all that came has been read.
    var isFullyRead: Bool { state.withLock { $0.isOver && $0.first == $0.chunks.count } }

    /// Reader's side: the next chunk, or nil at the end. Suspends until there is one. To be called
    /// by one task at a time.
    ///
    /// - Parameter onUnblocked: called when the agent, which had been refused, can go on.
    nonisolated(nonsending) func next(onUnblocked: () -> Void) async throws -> [UInt8]? {
        try await withCheckedThrowingContinuation { continuation in
            let step = state.withLock { state -> Step in
                let step = state.step(lowWater: lowWater)
                if case .wait = step {
                    precondition(state.reader == nil, "one reader at a time")
                    state.reader = continuation
                }
                return step
            }
            if let result = result(of: step, onUnblocked) { continuation.resume(with: result) }
        }
    }

    /// Reader's side: as ``next(onUnblocked:)``, but nil where that would have to suspend.
    func nextIfAvailable(onUnblocked: () -> Void) -> Result<[UInt8]?, any Error>? {
        result(of: state.withLock { $0.step(lowWater: lowWater) }, onUnblocked)
    }

    /// Nil where there is nothing yet.
    private func result(of step: Step, _ onUnblocked: () -> Void) -> Result<[UInt8]?, any Error>? {
        switch step {
        case .wait: return nil
        case .chunk(let chunk, let unblocks):
            if unblocks { onUnblocked() }
            return .success(chunk)
        case .end(.complete): return .success(nil)
        case .end(.failed(let error)): return .failure(error)
        }
    }
}
