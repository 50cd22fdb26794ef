internal import Synchronization

/// The bytes of an asynchronous sequence of chunks.
final class SequenceSource: Source {
    /// Iterates over a sequence and passes each chunk to a closure, until the closure returns false.
    typealias Iteration = @Sendable (_ body: (ArraySlice<UInt8>) async -> Bool) async throws -> Void

    let name: String
    let length: Int64?
    /// Nil if the sequence can be created again for each attempt.
    let once: ReadOnce?
    let iterate: Iteration
    /// The only iteration over a sequence that can be read once, if it may be continued after an interruption.
    private let begun = Mutex<SequenceIteration?>(nil)

    init(name: String, length: Int64?, once: ReadOnce?, iterate: @escaping Iteration) {
        self.name = name
        self.length = length
        self.once = once
        self.iterate = iterate
    }

    var footprint: Int { 0 }
    var isRepeatable: Bool { once == nil }
    var obstacle: String? { once?.obstacle(name) }

    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        if let once, offset > 0 {
            guard offset == once.offset, let iteration = begun.withLock({ $0 }) else {
                throw ClientError.notRepeatable(name)
            }
            return SequenceReader(self, iteration, at: offset, context)
        }
        try once?.begin(name)
        let iteration = SequenceIteration(self, context.priority)
        if once != nil, context.isResumable { begun.withLock { $0 = iteration } }
        let reader = SequenceReader(self, iteration, at: 0, context)
        return offset == 0 ? reader : DiscardingReader(reader, name: name, discarding: offset, context)
    }
}

/// One iteration over the sequence, in a task of its own, which is cancelled when nothing refers to this any more.
private final class SequenceIteration: Sendable {
    /// The transfer that reads now.
    private final class Listener: Sendable {
        let context = Mutex<ReadContext?>(nil)
    }

    let queue: ChunkQueue
    private let listener: Listener
    private let task: Task<Void, Never>

    init(_ source: SequenceSource, _ priority: TaskPriority) {
        let listener = Listener()
        let queue = ChunkQueue { listener.context.withLock { $0 }?.onContent() }
        self.queue = queue
        self.listener = listener
        task = Task.detached(priority: priority) { [iterate = source.iterate] in
            do {
                try await iterate { await queue.append($0) }
                queue.finish()
            } catch {
                queue.finish(throwing: error)
            }
        }
    }

    deinit {
        task.cancel()
        queue.close()
    }

    func listen(_ context: ReadContext) { listener.context.withLock { $0 = context } }
}

/// Reads the chunks of an iteration.
private final class SequenceReader: SourceReader {
    private let source: SequenceSource
    private let iteration: SequenceIteration
    private(set) var bytesRead: Int64
    private var hasEnded = false

    /// - Parameter offset: greater than 0 to continue where another reader has stopped.
    init(_ source: SequenceSource, _ iteration: SequenceIteration, at offset: Int64, _ context: ReadContext) {
        self.source = source
        self.iteration = iteration
        bytesRead = offset
        iteration.listen(context)
    }

    private var queue: ChunkQueue { iteration.queue }

    var isAtEnd: Bool { hasEnded || bytesRead == source.length }

    /// If the length is known, holds back the last byte until the sequence has ended, so that a server never receives
    /// the complete body of a sequence with more bytes than announced.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        var room = buffer
        if let length = source.length {
            let left = length - bytesRead
            let level = queue.level
            guard level.bytes <= left else {
                throw ClientError(
                    .sourceChanged, "\(source.name): the source has more bytes than its length, \(length)")
            }
            let mayTake = level.isLast ? left : max(0, left - 1)
            room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), mayTake))])
        }
        let outcome: ReadOutcome
        do {
            outcome = try queue.read(into: room)
        } catch {
            throw ClientError(.sourceUnreadable, "\(source.name): \(error)", underlying: error)
        }
        if case .bytes(let count) = outcome {
            bytesRead += Int64(count)
            source.once?.advance(to: bytesRead)
        }
        if outcome == .end {
            hasEnded = true
            if let length = source.length, bytesRead < length {
                throw ClientError(
                    .sourceChanged, "\(source.name): the source ended after \(bytesRead) of \(length) bytes")
            }
        }
        return outcome
    }
}

/// The bytes written to a ``DuplexStream``.
final class PipeSource: Source {
    let queue: ChunkQueue
    let length: Int64?
    private let once = ReadOnce()

    init(_ queue: ChunkQueue, length: Int64?) {
        self.queue = queue
        self.length = length
    }

    var name: String { "the bytes written to the stream" }
    var footprint: Int { 0 }
    var isRepeatable: Bool { false }
    var obstacle: String? { once.obstacle(name) }

    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        guard offset == 0, !once.isBegun else { throw ClientError.notRepeatable(name) }
        return PipeReader(queue, once)
    }

    /// Makes further writes to the stream fail.
    func abandon() { queue.close() }
}

private final class PipeReader: SourceReader {
    private let queue: ChunkQueue
    private let once: ReadOnce
    private(set) var bytesRead: Int64 = 0
    private(set) var isAtEnd = false

    init(_ queue: ChunkQueue, _ once: ReadOnce) {
        self.queue = queue
        self.once = once
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        let outcome: ReadOutcome
        do {
            outcome = try queue.read(into: buffer)
        } catch {
            preconditionFailure("a pipe never ends with an error")
        }
        switch outcome {
        case .bytes(let count):
            if bytesRead == 0 { try once.begin("the bytes written to the stream") }
            bytesRead += Int64(count)
        case .end:
            isAtEnd = true
        // An encoder must not hold back written bytes: the writer may wait for the server's reply to them.
        case .waiting, .needsInput:
            return .needsInput
        }
        return outcome
    }
}
