internal import Synchronization

/// A bounded queue for the content of a response, from the agent to the task that reads it.
///
/// The agent never waits: the queue refuses a chunk when it is full, and the agent offers it again once the reader has
/// made room.
final class ContentBuffer: Sendable {
    /// The high-water mark with few clients, in bytes.
    static let defaultHighWater = 256 << 10
    /// The high-water mark with very many clients, in bytes.
    static let minimumHighWater = 16 << 10

    /// The queue refuses chunks while it holds at least this many bytes. It holds at most this and one chunk.
    let highWater: Int
    /// The agent continues when the queue holds no more bytes than this.
    var lowWater: Int { highWater / 4 }

    private typealias Reader = CheckedContinuation<Result<[UInt8]?, ClientError>, Never>

    private struct State {
        var chunks: [[UInt8]] = []
        /// The index of the next chunk to read.
        var first = 0
        var bytes = 0
        /// Whether a chunk was refused.
        var isBlocked = false
        /// How the content ended: with nil, or with an error.
        var ending: Result<[UInt8]?, ClientError>?
        /// Whether the transfer has ended, including its upload.
        var isOver = false
        var reader: Reader?

        /// The result of a read, which is nil if the reader must wait, and whether it makes room after a refusal.
        mutating func read(lowWater: Int) -> (result: Result<[UInt8]?, ClientError>?, unblocks: Bool) {
            guard let chunk = pop() else { return (ending, false) }
            let unblocks = isBlocked && bytes <= lowWater
            if unblocks { isBlocked = false }
            return (.success(chunk), unblocks)
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

    /// Agent's side: adds a chunk. Returns false, adding nothing, if the queue is full.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (isAdded, reader) = state.withLock { state -> (Bool, Reader?) in
            if let reader = state.reader.take() { return (true, reader) }
            guard state.bytes < highWater else {
                state.isBlocked = true
                return (false, nil)
            }
            state.chunks.append(Array(bytes))
            state.bytes += bytes.count
            return (true, nil)
        }
        reader?.resume(returning: .success(Array(bytes)))
        return isAdded
    }

    /// Agent's side: notes that the transfer has ended, so that a reader that stops has nothing to cancel.
    func transferEnded() { state.withLock { $0.isOver = true } }

    /// Agent's side: ends the content after the chunks received so far.
    func complete() { end(.success(nil), keepingChunks: true) }

    /// Agent's side: ends the content with an error.
    ///
    /// - Parameter keepingChunks: whether the chunks received so far can still be read.
    func fail(_ error: ClientError, keepingChunks: Bool = true) {
        end(.failure(error), keepingChunks: keepingChunks)
    }

    /// The error that ended the content; nil if there is none.
    var failure: ClientError? {
        state.withLock { state in
            if case .failure(let error) = state.ending { error } else { nil }
        }
    }

    private func end(_ ending: Result<[UInt8]?, ClientError>, keepingChunks: Bool) {
        let reader = state.withLock { state -> Reader? in
            guard state.ending == nil else { return nil }
            state.ending = ending
            if !keepingChunks {
                state.chunks = []
                state.first = 0
                state.bytes = 0
            }
            return state.reader.take()
        }
        reader?.resume(returning: ending)
    }

    /// Reader's side: whether the transfer has ended and all received chunks have been read.
    var isFullyRead: Bool { state.withLock { $0.isOver && $0.first == $0.chunks.count } }

    /// Reader's side: the next chunk, or nil at the end. Suspends until one arrives. Only one task may call this at a
    /// time.
    ///
    /// - Parameter onUnblocked: called when the agent can add chunks again after a refusal.
    nonisolated(nonsending) func next(onUnblocked: () -> Void) async -> Result<[UInt8]?, ClientError> {
        await withCheckedContinuation { continuation in
            let (result, unblocks) = state.withLock { state in
                let read = state.read(lowWater: lowWater)
                if read.result == nil {
                    precondition(state.reader == nil, "one reader at a time")
                    state.reader = continuation
                }
                return read
            }
            if unblocks { onUnblocked() }
            if let result { continuation.resume(returning: result) }
        }
    }

    /// Reader's side: as ``next(onUnblocked:)``, but returns nil instead of suspending.
    func nextIfAvailable(onUnblocked: () -> Void) -> Result<[UInt8]?, ClientError>? {
        let (result, unblocks) = state.withLock { $0.read(lowWater: lowWater) }
        if unblocks { onUnblocked() }
        return result
    }
}
