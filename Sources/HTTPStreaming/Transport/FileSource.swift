internal import Synchronization

/// Reads a file for the agent, which never waits for a disk: what is not in memory is read
/// by another thread, into a buffer, and so is a file opened.
final class FileSource {
    /// What another thread has done, until it is taken.
    private final class Job: Sendable {
        enum Outcome: Sendable {
            case opened(FileReader)
            case bytes([UInt8])
        }

        private let outcome = Mutex<Result<Outcome, ClientError>?>(nil)

        func take() -> Result<Outcome, ClientError>? { outcome.withLock { $0.take() } }

        /// Runs `work` on a thread that may block; see ``BlockingPool``.
        func start(_ context: BodyContext, _ work: @escaping @Sendable () throws(ClientError) -> Outcome) {
            BlockingPool.shared.run { [self] in
                let result = Result(catching: work)
                outcome.withLock { $0 = result }
                context.onContent()
            }
        }
    }

    /// How much is read at a time by another thread, at most, and no more than there is room for: it
    /// takes that much memory once more.
    private static let pieceSize = 512 << 10

    private let content: FileContent
    private let context: BodyContext
    private var file: FileReader?
    private var job: Job?
    /// What another thread has read.
    private var piece: ArraySlice<UInt8> = []

    init(_ content: FileContent, context: BodyContext) {
        self.content = content
        self.context = context
        file = content.takeOpened()
    }

    /// Reads on; `buffer` is not empty, and not longer than what is left.
    ///
    /// - Parameter offset: within the range of the file that is sent.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ClientError) -> BodyRead {
        if let job {
            guard let outcome = job.take() else { return .waiting }
            self.job = nil
            switch try outcome.get() {
            case .opened(let file): self.file = file
            case .bytes(let bytes): piece = bytes[...]
            }
        }
        if !piece.isEmpty { return .bytes(takePiece(into: buffer)) }
        guard let file else {
            start { [content] () throws(ClientError) in .opened(try content.open()) }
            return .waiting
        }
        let position = content.range.lowerBound + offset
        guard let count = try file.readCached(into: buffer, at: position) else {
            let length = min(Self.pieceSize, buffer.count, Int(content.range.upperBound - position))
            start { [content] () throws(ClientError) in
                .bytes(try Self.read(file, length, at: position, of: content))
            }
            return .waiting
        }
        try Self.check(file, count, at: position, of: content)
        return .bytes(count)
    }

    private func start(_ work: @escaping @Sendable () throws(ClientError) -> Job.Outcome) {
        let job = Job()
        self.job = job
        job.start(context, work)
    }

    private func takePiece(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(piece.count, buffer.count)
        buffer.copyBytes(from: piece.prefix(count))
        piece = piece.dropFirst(count)
        // An empty slice would keep the memory.
        if piece.isEmpty { piece = [] }
        return count
    }

    private static func read(
        _ file: FileReader, _ length: Int, at position: Int64, of content: FileContent
    ) throws(ClientError) -> [UInt8] {
        var failure: ClientError?
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            do throws(ClientError) {
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: position)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        try check(file, bytes.count, at: position, of: content)
        return bytes
    }

    /// Before its last bytes are let go, so that a server never gets the whole of a document that is
    /// not what it claims to be.
    private static func check(
        _ file: FileReader, _ count: Int, at position: Int64, of content: FileContent
    ) throws(ClientError) {
        guard count > 0 else {
            let offset = position - content.range.lowerBound
            throw ClientError(
                .sourceChanged,
                "\(file.name): the file ended after \(offset) bytes of \(content.range.count): it shrank while it was being sent"
            )
        }
        if position + Int64(count) == content.range.upperBound { try file.checkUnchanged() }
    }
}
