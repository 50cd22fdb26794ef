internal import Synchronization

/// Content that can be read only once, with a copy of the last bytes that were read: after an interruption they can be sent
/// again. Bytes that the server keeps are dropped, and the oldest ones beyond a limit.
final class WindowSource: Source {
    fileprivate struct Window {
        /// The offset of the first byte in `chunks`, and of the byte after them.
        var start: Int64 = 0
        var end: Int64 = 0
        var chunks: [[UInt8]] = []
        /// Whether the content has ended at `end`.
        var hasEnded = false
    }

    private let plain: any Source
    private let limit: Int
    private let window = Mutex(Window())

    /// - Parameters:
    ///   - plain: can be read on from where it was read to; see ``ReadOnce``.
    ///   - limit: the maximum number of bytes that are kept.
    init(_ plain: any Source, limit: Int) {
        self.plain = plain
        self.limit = limit
    }

    var name: String { plain.name }
    var length: Int64? { plain.length }
    var footprint: Int { plain.footprint }
    var heldMemory: Int { limit }
    var isCompressed: Bool { plain.isCompressed }
    var isRepeatable: Bool { false }
    var hasLateEnd: Bool { plain.hasLateEnd }
    var obstacle: String? { window.withLock { $0.start } == 0 ? nil : plain.obstacle }

    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        let (start, end) = window.withLock { ($0.start, $0.end) }
        guard (start...end).contains(offset) else {
            throw ClientError(
                .cannotSendAgain,
                "\(name): the server has \(offset) bytes of it; it can be read only once, and of the \(end) bytes read only the "
                    + "last \(end - start) are kept")
        }
        return WindowReader(self, at: offset, context)
    }

    func acknowledged(to offset: Int64) { window.withLock { $0.drop(to: offset) } }

    func abandon() { plain.abandon() }

    // MARK: For the reader

    /// A reader of the bytes that follow the window.
    fileprivate func next(_ context: ReadContext) throws(ClientError) -> any SourceReader {
        try plain.reader(at: window.withLock { $0.end }, context)
    }

    /// Copies kept bytes from an offset on; returns their number, which is 0 at the end of the window.
    fileprivate func copy(from offset: Int64, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        window.withLock { $0.copy(from: offset, to: buffer) }
    }

    fileprivate func append(_ bytes: UnsafeRawBufferPointer) {
        window.withLock { window in
            window.chunks.append(Array(bytes))
            window.end += Int64(bytes.count)
            window.drop(to: window.end - Int64(limit))
        }
    }

    fileprivate func didEnd() { window.withLock { $0.hasEnded = true } }

    /// Whether the content ends at this offset.
    fileprivate func isEnd(_ offset: Int64) -> Bool { window.withLock { $0.hasEnded && $0.end == offset } }
}

extension WindowSource.Window {
    /// Drops the chunks that end before an offset.
    fileprivate mutating func drop(to offset: Int64) {
        var count = 0
        while count < chunks.count, start + Int64(chunks[count].count) <= offset {
            start += Int64(chunks[count].count)
            count += 1
        }
        chunks.removeFirst(count)
    }

    fileprivate func copy(from offset: Int64, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        var (chunkStart, count) = (start, 0)
        for chunk in chunks {
            let skipped = max(0, offset + Int64(count) - chunkStart)
            chunkStart += Int64(chunk.count)
            guard skipped < chunk.count else { continue }
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            guard !room.isEmpty else { break }
            let piece = chunk[Int(skipped)...].prefix(room.count)
            room.copyBytes(from: piece)
            count += piece.count
        }
        return count
    }
}

/// Reads the window, and then the content.
private final class WindowReader: SourceReader {
    private let source: WindowSource
    private let context: ReadContext
    /// Nil until the window has been read.
    private var plain: (any SourceReader)?
    private(set) var bytesRead: Int64

    init(_ source: WindowSource, at offset: Int64, _ context: ReadContext) {
        self.source = source
        self.context = context
        bytesRead = offset
    }

    var isCompressed: Bool { source.isCompressed }
    var isAtEnd: Bool { plain?.isAtEnd ?? source.isEnd(bytesRead) }
    var awaitedDescriptor: Int32? { plain?.awaitedDescriptor }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        if plain == nil {
            let count = source.copy(from: bytesRead, to: buffer)
            bytesRead += Int64(count)
            if count > 0 { return .bytes(count) }
            if source.isEnd(bytesRead) { return .end }
        }
        let reader = if let plain { plain } else { try source.next(context) }
        plain = reader
        let outcome = try reader.read(into: buffer)
        switch outcome {
        case .bytes(let count):
            source.append(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
            bytesRead += Int64(count)
        case .end:
            source.didEnd()
        case .waiting, .needsInput:
            break
        }
        return outcome
    }

    func readAhead() throws(ClientError) { try plain?.readAhead() }
}
