internal import Platform
internal import Synchronization

/// A source whose bytes are hashed while they are read, from its beginning to its end. The end is held back until the
/// digest is known.
final class DigestedSource: Source {
    private let plain: any Source
    private let digest: ContentDigest
    /// Whether the digest follows the bytes in the message, which can only be sent chunked then.
    private let isTrailer: Bool
    /// What the last reader has hashed.
    private let hashing = Mutex<Hashing?>(nil)

    init(_ plain: any Source, _ digest: ContentDigest, isTrailer: Bool = false) {
        self.plain = plain
        self.digest = digest
        self.isTrailer = isTrailer
    }

    var name: String { plain.name }
    var length: Int64? { isTrailer ? nil : plain.length }
    var plainLength: Int64? { plain.plainLength }
    var mediaType: String? { plain.mediaType }
    var footprint: Int { plain.footprint }
    var isCompressed: Bool { plain.isCompressed }
    var encoderCount: Int { plain.encoderCount }
    var demand: BufferDemand { plain.demand + Hashing.demand }
    var heldMemory: Int { plain.heldMemory }
    var isRepeatable: Bool { plain.isRepeatable }
    var isOpenEnded: Bool { plain.isOpenEnded }
    var isFinished: Bool { plain.isFinished }
    var obstacle: String? { plain.obstacle }
    var hasLateEnd: Bool { true }
    var journalEntry: UploadJournal.Entry? { plain.journalEntry }

    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        let reader = try plain.reader(at: offset, context)
        let hashing = hashing.withLock { hashing in
            if offset == 0 { hashing = Hashing(digest) }
            return hashing
        }
        if offset == 0 { digest.bytes = nil }
        // The bytes from the offset on were hashed before, as far as they had been read.
        guard let hashing, let count = hashing.resume(context), count >= offset else { return reader }
        return DigestReader(reader, hashing, skipping: count - offset)
    }

    func acknowledged(to offset: Int64) { plain.acknowledged(to: offset) }
    func abandon() { plain.abandon() }
}

private final class DigestReader: SourceReader {
    private let plain: any SourceReader
    private let hashing: Hashing
    /// The number of bytes that have been hashed already.
    private var hashedLeft: Int64

    init(_ plain: any SourceReader, _ hashing: Hashing, skipping count: Int64) {
        self.plain = plain
        self.hashing = hashing
        hashedLeft = count
    }

    var isCompressed: Bool { plain.isCompressed }
    var isAtEnd: Bool { plain.isAtEnd && hashing.end() }
    var bytesRead: Int64 { plain.bytesRead }
    var currentPart: UploadProgress.Part? { plain.currentPart }
    /// While bytes are being hashed, the descriptor is not what the reader waits for.
    var awaitedDescriptor: Int32? { hashing.hasRoom ? plain.awaitedDescriptor : nil }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        guard hashing.hasRoom else { return .waiting }
        let outcome = try plain.read(into: buffer)
        switch outcome {
        case .bytes(let count):
            let known = Int(min(hashedLeft, Int64(count)))
            hashedLeft -= Int64(known)
            if known < count { hashing.append(Array(buffer.prefix(count).dropFirst(known))) }
            return outcome
        case .waiting, .needsInput:
            return outcome
        case .end:
            return hashing.end() ? .end : .waiting
        }
    }

    func readAhead() throws(ClientError) { try plain.readAhead() }
    func appendEmptyBlock() { plain.appendEmptyBlock() }
}

/// Hashes the bytes of a source in tasks: the agent never computes a digest. It continues where a reader at an offset
/// begins. Bytes are copied, because libcurl's buffer is filled again at once.
private final class Hashing: Sendable {
    /// More bytes are added only while fewer than these wait.
    private static let limit = 64 << 10

    /// The memory for the copies, with the default size of libcurl's upload buffer.
    static let demand = BufferDemand(least: 2 * limit, most: limit + 512 << 10)

    private struct State {
        var hash: MessageDigest
        var pending: [[UInt8]] = []
        /// The number of bytes in `pending` and in the piece that is being hashed.
        var byteCount = 0
        /// The number of bytes added.
        var total: Int64 = 0
        /// That of the reader that reads now.
        var context: ReadContext?
        var isRunning = false
        var hasEnded = false
        var isDone = false
    }

    private let digest: ContentDigest
    private let state: Mutex<State>

    init(_ digest: ContentDigest) {
        self.digest = digest
        state = Mutex(State(hash: MessageDigest(digest.algorithm)))
    }

    var hasRoom: Bool { state.withLock { $0.byteCount < Self.limit } }

    /// Another reader begins.
    ///
    /// - Returns: the number of bytes that were added by the readers before.
    func resume(_ context: ReadContext) -> Int64? {
        state.withLock { state in
            state.context = context
            return state.total
        }
    }

    func append(_ bytes: [UInt8]) {
        start { state in
            state.pending.append(bytes)
            state.byteCount += bytes.count
            state.total += Int64(bytes.count)
        }
    }

    /// To be called after the last byte, as often as the reader is asked.
    ///
    /// - Returns: whether the digest is known. If it is not, ``ReadContext/onContent`` will be called.
    func end() -> Bool {
        start { $0.hasEnded = true }
        return state.withLock { $0.isDone }
    }

    private func start(_ change: (inout State) -> Void) {
        let (isFirst, priority) = state.withLock { state -> (Bool, TaskPriority?) in
            change(&state)
            guard !state.isRunning, !state.isDone else { return (false, nil) }
            state.isRunning = true
            return (true, state.context?.priority)
        }
        if isFirst { Task.detached(priority: priority) { [self] in run() } }
    }

    private func run() {
        while true {
            let (pending, hash, isLast) = state.withLock { state in
                defer { state.pending = [] }
                return (state.pending, state.hash, state.hasEnded)
            }
            var next = hash
            for bytes in pending { bytes.withUnsafeBytes { next.update($0) } }
            if isLast { digest.bytes = next.finish() }
            let (mayStop, context) = state.withLock { state in
                state.hash = next
                state.byteCount -= pending.reduce(0) { $0 + $1.count }
                state.isDone = isLast
                state.isRunning = !isLast && (!state.pending.isEmpty || state.hasEnded)
                return (!state.isRunning, state.context)
            }
            context?.onContent()
            if mayStop { return }
        }
    }
}
