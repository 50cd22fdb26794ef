internal import ContentCoding
internal import Platform
internal import Synchronization

/// A regular file or a range of it. It was opened to learn its length and identity, and may have been closed again.
final class FileSource: Source {
    let name: String
    let isCompressed: Bool
    fileprivate let range: Range<Int64>
    private let identity: OpenFile.Identity
    /// Nil if the caller gave a descriptor.
    private let path: Path?
    /// The file, if it has no path and must stay open.
    private let kept: OpenFile?
    private let opened: Mutex<OpenFile?>

    /// - Parameters:
    ///   - path: the path to open the file again; nil if there is none.
    ///   - range: the range of bytes to send; nil for the whole file.
    /// - Throws: ``ClientError/Code/sourceUnreadable`` if the range is not within the file.
    init(
        _ file: OpenFile, path: Path?, range: Range<Int64>?, _ preparation: Preparation
    ) throws(ClientError) {
        let whole = 0..<file.identity.size
        let range = range ?? whole
        guard whole.lowerBound <= range.lowerBound, range.upperBound <= whole.upperBound else {
            throw ClientError(
                .sourceUnreadable,
                "\(file.name): the range \(range) exceeds the file, which has \(whole.upperBound) bytes")
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

    /// Returns the file if it is still open. A file with a path is returned only once.
    fileprivate func takeOpened() -> OpenFile? {
        kept ?? opened.withLock { $0.take() }
    }

    /// Opens the file again. Blocks.
    fileprivate func open() throws(ClientError) -> OpenFile {
        guard let path else { preconditionFailure("a file without a path stays open") }
        let file = try OpenFile(path: path)
        guard file.identity == identity else {
            throw ClientError(.sourceChanged, "\(name): the file was changed before it was sent")
        }
        return file
    }
}

/// Reads a file on the agent's thread, which must not wait for a disk: another thread opens the file, and reads bytes
/// that are not in the page cache.
private final class FileSourceReader: SourceReader {
    /// A job on another thread, and its result.
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

    /// The maximum number of bytes that another thread reads at a time. They take as much additional memory.
    private static let pieceSize = 512 << 10

    private let source: FileSource
    private let context: ReadContext
    private(set) var bytesRead: Int64
    private var file: OpenFile?
    private var job: Job?
    /// Bytes that another thread has read and that were not sent yet.
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
        let outcome = try readNext(into: room)
        if case .bytes(let count) = outcome { bytesRead += Int64(count) }
        return outcome
    }

    private func readNext(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        if let job {
            guard let outcome = job.take() else { return .waiting }
            self.job = nil
            switch try outcome.get() {
            case .opened(let file): self.file = file
            case .bytes(let bytes): piece = bytes[...]
            }
        }
        if !piece.isEmpty { return .bytes(piece.move(to: buffer)) }
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

    private static func read(
        _ file: OpenFile, _ length: Int, at position: Int64, of range: Range<Int64>
    ) throws(ClientError) -> [UInt8] {
        let bytes = try file.bytes(at: position, atMost: length)
        try check(file, bytes.count, at: position, of: range)
        return bytes
    }

    /// Checks that the file has not changed. Called before the last bytes are sent, so that a server never receives a
    /// changed file completely.
    private static func check(
        _ file: OpenFile, _ count: Int, at position: Int64, of range: Range<Int64>
    ) throws(ClientError) {
        guard count > 0 else {
            let offset = position - range.lowerBound
            throw ClientError(
                .sourceChanged,
                "\(file.name): the file ended after \(offset) of \(range.count) bytes: it shrank while being sent"
            )
        }
        if position + Int64(count) == range.upperBound { try file.checkUnchanged() }
    }
}
