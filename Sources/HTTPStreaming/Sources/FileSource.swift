internal import ContentCoding
internal import Platform
internal import Synchronization

/// A file or a range of it. It was opened to learn its length and identity, and may have been closed again.
final class FileSource: Source {
    let name: String
    let isCompressed: Bool
    /// The number of bytes to send; nil for all that can be read.
    let length: Int64?
    /// The offset of the first byte.
    fileprivate let start: Int64
    private let changes: Content.FileChanges
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
    convenience init(
        _ file: OpenFile, path: Path?, range: Range<Int64>?, changes: Content.FileChanges, _ preparation: Preparation
    ) throws(ClientError) {
        let size = changes == .asRead ? nil : file.size
        if let range, range.lowerBound < 0 || range.upperBound > size ?? .max {
            throw ClientError(
                .sourceUnreadable,
                "\(file.name): the range \(range) exceeds the file, which has \(file.identity.size) bytes")
        }
        let length = range.map { Int64($0.count) } ?? size
        try self.init(file, path: path, from: range?.lowerBound ?? 0, length: length, changes: changes, preparation)
    }

    /// - Parameters:
    ///   - start: the offset of the first byte to send.
    ///   - length: the number of bytes to send; nil for all that can be read.
    init(
        _ file: OpenFile, path: Path?, from start: Int64, length: Int64?, changes: Content.FileChanges,
        _ preparation: Preparation
    ) throws(ClientError) {
        name = file.name
        identity = file.identity
        self.start = start
        self.length = length
        // A file whose size is unknown has no time of change to rely on, either.
        self.changes = file.size == nil ? .asRead : changes
        self.path = path
        kept = path == nil ? file : nil
        opened = Mutex(preparation.mayStayOpen() ? file : nil)
        isCompressed = try preparation.isCompressed { (count) throws(ClientError) in
            try file.bytes(at: start, atMost: Int(min(Int64(count), length ?? .max)))
        }
    }

    var footprint: Int { name.utf8.count }

    var journalEntry: UploadJournal.Entry? {
        guard let path = path?.absolute, let length, changes != .asRead else { return nil }
        return .file(
            UploadJournal.File(
                path: path, start: start, length: length, mayGrow: changes == .prefix, identity: identity))
    }

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
        let isExpected =
            switch changes {
            case .unchanged: file.identity == identity
            case .prefix: file.identity.isSameFile(as: identity)
            case .asRead: true
            }
        guard isExpected else {
            throw ClientError(.sourceChanged, "\(name): the file was changed before it was sent")
        }
        return file
    }

    /// Opens the file again if that does not block; nil otherwise.
    fileprivate func openCached() throws(ClientError) -> OpenFile? {
        guard let path, CachedFiles.contain(path) else { return nil }
        return try open()
    }

    /// Checks what has been read from the file. Called before the bytes are sent, so that a server never receives a
    /// changed file completely.
    fileprivate func check(_ file: OpenFile, _ count: Int, at position: Int64) throws(ClientError) {
        guard let length else { return }
        guard count > 0 else {
            var message = "\(name): the file ended after \(position - start) of \(length) bytes"
            if changes != .asRead {
                message +=
                    try file.isUnchanged()
                    ? ": its file system gives its size as \(file.identity.size) bytes, but no more can be read; "
                        + "it can be sent with changes: .asRead" : ": it shrank while being sent"
            }
            throw ClientError(.sourceChanged, message)
        }
        if changes == .unchanged, position + Int64(count) == start + length { try file.checkUnchanged() }
    }
}

/// Reads a file on the agent's thread, which must not wait for a disk: another thread reads bytes that are not in the page
/// cache, and opens the file unless it is among ``CachedFiles``.
private final class FileSourceReader: SourceReader {
    /// Reads bytes on another thread.
    private final class Job: Sendable {
        typealias Outcome = Result<(file: OpenFile, bytes: [UInt8]), ClientError>

        private let outcome = Mutex<Outcome?>(nil)

        func take() -> Outcome? { outcome.withLock { $0.take() } }

        /// Reads on a thread that may block, see ``BlockingPool``, and opens the file before that if it is not open.
        func start(
            _ source: FileSource, _ file: OpenFile?, at position: Int64, atMost count: Int, _ context: ReadContext
        ) {
            BlockingPool.shared.run { [self] in
                let result = Outcome { () throws(ClientError) in
                    let file = if let file { file } else { try source.open() }
                    let bytes = try file.bytes(at: position, atMost: count)
                    try source.check(file, bytes.count, at: position)
                    return (file, bytes)
                }
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
    private var hasEnded = false

    init(_ source: FileSource, offset: Int64, context: ReadContext) {
        self.source = source
        self.context = context
        bytesRead = offset
        file = source.takeOpened()
    }

    var isCompressed: Bool { source.isCompressed }
    var isAtEnd: Bool { hasEnded || bytesRead == source.length }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        guard !isAtEnd else { return .end }
        let left = source.length.map { $0 - bytesRead } ?? .max
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
        let outcome = try readNext(into: room)
        if case .bytes(let count) = outcome { bytesRead += Int64(count) }
        hasEnded = outcome == .end
        return outcome
    }

    private func readNext(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        if let job {
            guard let outcome = job.take() else { return .waiting }
            self.job = nil
            let (file, bytes) = try outcome.get()
            guard !bytes.isEmpty else { return .end }
            self.file = file
            piece = bytes[...]
        }
        if !piece.isEmpty { return .bytes(piece.move(to: buffer)) }
        let position = source.start + bytesRead
        if file == nil { file = try source.openCached() }
        if let file, let count = try file.readCached(into: buffer, at: position) {
            try source.check(file, count, at: position)
            return count > 0 ? .bytes(count) : .end
        }
        let job = Job()
        self.job = job
        job.start(source, file, at: position, atMost: min(Self.pieceSize, buffer.count), context)
        return .waiting
    }
}
