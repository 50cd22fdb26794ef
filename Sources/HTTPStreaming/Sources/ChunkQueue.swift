internal import ContentCoding
internal import Synchronization

/// A bounded queue of chunks from a task to an agent. The task suspends while it is full; the agent never waits.
final class ChunkQueue: Sendable {
    /// The task continues when fewer bytes than this are left. The queue holds at most this and one chunk.
    static let lowWater = 64 << 10

    fileprivate struct State {
        var chunks: [ArraySlice<UInt8>] = []
        var bytes = 0
        /// How the task ended; nil while it runs.
        var ending: Result<Void, any Error>?
        /// Whether the agent found no bytes and must be notified of more.
        var isAwaited = false
        /// Whether the agent reads no more.
        var isClosed = false
        var producer: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())
    private let onContent: @Sendable () -> Void

    /// - Parameter onContent: called by the task when there are bytes to read.
    init(onContent: @escaping @Sendable () -> Void) { self.onContent = onContent }

    // MARK: The task's side

    /// Adds a chunk; suspends while the queue is full.
    ///
    /// - Returns: false if the agent reads no more.
    func append(_ chunk: ArraySlice<UInt8>) async -> Bool {
        guard !chunk.isEmpty else { return !state.withLock { $0.isClosed } }
        return await withCheckedContinuation { continuation in
            let (continues, isAwaited) = state.withLock { state -> (Bool?, Bool) in
                guard !state.isClosed else { return (false, false) }
                state.chunks.append(chunk)
                state.bytes += chunk.count
                let isAwaited = state.isAwaited
                state.isAwaited = false
                guard state.bytes >= Self.lowWater else { return (true, isAwaited) }
                state.producer = continuation
                return (nil, isAwaited)
            }
            if isAwaited { onContent() }
            if let continues { continuation.resume(returning: continues) }
        }
    }

    /// Ends the queue, with an error if the task failed.
    func finish(throwing error: (any Error)? = nil) {
        state.withLock { $0.ending = error.map { .failure($0) } ?? .success(()) }
        onContent()
    }

    // MARK: The agent's side

    /// The number of bytes in the queue, and whether no more follow.
    var level: (bytes: Int, isLast: Bool) { state.withLock { ($0.bytes, $0.ending != nil) } }

    /// Reads as many bytes as fit.
    ///
    /// - Throws: the error of ``finish(throwing:)``, even if bytes are left.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> ReadOutcome {
        let (outcome, producer) = try state.withLock {
            state throws -> (ReadOutcome, CheckedContinuation<Bool, Never>?) in
            if case .failure(let error) = state.ending { throw error }
            let count = state.take(into: buffer)
            let producer = state.bytes < Self.lowWater ? state.producer.take() : nil
            if count > 0 { return (.bytes(count), producer) }
            if state.ending != nil, state.bytes == 0 { return (.end, producer) }
            state.isAwaited = true
            return (.waiting, producer)
        }
        producer?.resume(returning: true)
        return outcome
    }

    /// Discards the bytes; further chunks are refused.
    func close() {
        let producer = state.withLock { state in
            state.isClosed = true
            state.chunks = []
            state.bytes = 0
            return state.producer.take()
        }
        producer?.resume(returning: false)
    }
}

extension ChunkQueue.State {
    fileprivate mutating func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        var emptied = 0
        while filled < buffer.count, emptied < chunks.count {
            filled += chunks[emptied].move(to: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if chunks[emptied].isEmpty { emptied += 1 }
        }
        chunks.removeFirst(emptied)
        bytes -= filled
        return filled
    }
}
