internal import Platform
internal import Synchronization

/// A regular file or a range of it: opened once to learn its length and identity, perhaps still open.
final class FileSource: Source {
    let name: String
    let isCompressed: Bool
    fileprivate let range: Range<Int64>
    private let identity: OpenFile.Identity
    /// Nil where only a descriptor was given.
    private let path: Path?
    /// The file, where it cannot be opened again by a path.
    private let kept: OpenFile?
    private let opened: Mutex<OpenFile?>

    /// - Parameters:
    ///   - path: where the file can be opened again; nil if it cannot.
    ///   - range: of the bytes to send; the whole file if nil.
    /// - Throws: ``ClientError/Code/sourceUnreadable`` if the range is not within the file.
    init(
        _ file: OpenFile, path: Path?, range: Range<Int64>?, _ preparation: Preparation
    ) throws(ClientError) {
        let whole = 0..<file.identity.size
        let range = range ?? whole
        guard whole.lowerBound <= range.lowerBound, range.upperBound <= whole.upperBound else {
            throw ClientError(
                .sourceUnreadable, "\(file.name): bytes \(range) are not all within the file's \(whole.upperBound)")
        }
        name = file.name
        identity = file.identity
        self.range = range
        self.path = path
        kept = path == nil ? file : nil
        opened = Mutex(preparation.mayStayOpen() ? file : nil)
        isCompressed = try preparation.isCompressed { (count) throws(ClientError) in
            try file.bytes(at: range.lowerBound, atMost: min(count, range.count))
        }
    }

    var length: Int64? { Int64(range.count) }
    var footprint: Int { name.utf8.count }

    func reader(at offset: Int64, _ context: ReadContext) -> any SourceReader {
        FileSourceReader(self, offset: offset, context: context)
    }

    /// The open file, the first time; afterwards only one that cannot be opened again.
    fileprivate func takeOpened() -> OpenFile? {
        kept ?? opened.withLock { $0.take() }
    }

    /// Opens the file again; blocks.
    fileprivate func open() throws(ClientError) -> OpenFile {
        guard let path else { preconditionFailure("a descriptor stays open") }
        let file = try OpenFile(path: path)
        guard file.identity == identity else {
            throw ClientError(.sourceChanged, "\(name): the file was changed before it was sent")
        }
        return file
    }
}

/// Reads a file in the agent's turns, which never wait for a disk: another thread reads what is not in memory, and
/// opens the file.
private final class FileSourceReader: SourceReader {
    /// A job of another thread, and its result until that is taken.
    private final class Job: Sendable {
        enum Outcome: Sendable {
            case opened(OpenFile)
            case bytes([UInt8])
        }

        private let outcome = Mutex<Result<Outcome, ClientError>?>(nil)

        func take() -> Result<Outcome, ClientError>? { outcome.withLock { $0.take() } }

        /// Runs `work` on a thread that may block; see ``BlockingPool``.
        func start(_ context: ReadContext, _ work: @escaping @Sendable () throws(ClientError) -> Outcome) {
            BlockingPool.shared.run { [self] in
                let result = Result(catching: work)
                outcome.withLock { $0 = result }
                context.onContent()
            }
        }
    }

    /// The most bytes that another thread reads at a time, and never more than there is room for: they take that much
    /// memory once more.
    private static let pieceSize = 512 << 10

    private let source: FileSource
    private let context: ReadContext
    private(set) var bytesRead: Int64
    private var file: OpenFile?
    private var job: Job?
    /// Bytes that another thread has read.
    private var piece: ArraySlice<UInt8> = []

    init(_ source: FileSource, offset: Int64, context: ReadContext) {
        self.source = source
        self.context = context
        bytesRead = offset
        file = source.takeOpened()
    }

    var isCompressed: Bool { source.isCompressed }
    var isAtEnd: Bool { bytesRead == source.range.count }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        guard !isAtEnd else { return .end }
        let left = Int64(source.range.count) - bytesRead
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
        let outcome = try readOn(into: room)
        if case .bytes(let count) = outcome { bytesRead += Int64(count) }
        return outcome
    }

    private func readOn(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
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
            start { [source] () throws(ClientError) in .opened(try source.open()) }
            return .waiting
        }
        let position = source.range.lowerBound + bytesRead
        guard let count = try file.readCached(into: buffer, at: position) else {
            let length = min(Self.pieceSize, buffer.count)
            start { [range = source.range] () throws(ClientError) in
                .bytes(try Self.read(file, length, at: position, of: range))
            }
            return .waiting
        }
        try Self.check(file, count, at: position, of: source.range)
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
        _ file: OpenFile, _ length: Int, at position: Int64, of range: Range<Int64>
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
        try check(file, bytes.count, at: position, of: range)
        return bytes
    }

    /// To be called before the last bytes are given out: a server must never receive the whole of a document that is
    /// not what it claims to be.
    private static func check(
        _ file: OpenFile, _ count: Int, at position: Int64, of range: Range<Int64>
    ) throws(ClientError) {
        guard count > 0 else {
            let offset = position - range.lowerBound
            throw ClientError(
                .sourceChanged,
                "\(file.name): the file ended after \(offset) bytes of \(range.count): it shrank while it was being sent"
            )
        }
        if position + Int64(count) == range.upperBound { try file.checkUnchanged() }
    }
}
