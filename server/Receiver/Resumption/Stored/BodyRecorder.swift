import Multipart
import NIOCore

/// Divides the body of an unfinished upload into segments while it is parsed, without I/O. Content is not copied, only
/// counted.
///
/// Every byte that the parser has read is in a segment, or undecided: the parser holds it back as the possible beginning of
/// a delimiter, or of the rest of a delimiter's line.
struct BodyRecorder {
    /// Those that ``takeSegments()`` has not returned.
    private var segments: [BodySegment] = []
    /// How many bytes ``segments`` keep in memory.
    private(set) var literalBytes = 0
    /// The bytes after the last segment.
    private var undecided: [UInt8] = []
    /// Up to where the current piece is in segments.
    private var position = 0

    /// The parser has returned an event.
    ///
    /// - Parameters:
    ///   - end: up to where the parser has read the piece.
    ///   - file: the one that the content of the event belongs to; nil if it is the value of a field.
    mutating func read(_ event: MultipartParser.Event, through end: Int, of piece: ByteBuffer, file: Int?) {
        switch event {
        case .content(let range):
            guard let file else { return addLiteral(through: end, of: piece) }
            precondition(undecided.isEmpty && position == range.lowerBound, "content follows undecided bytes")
            addContent(range.count, of: file)
            position = range.upperBound
        case .heldContent(let bytes):
            guard let file else { return addLiteral(through: end, of: piece) }
            moveToUndecided(through: end, of: piece)
            addContent(bytes.count, of: file)
            undecided.removeFirst(bytes.count)
        case .partBegan, .partEnded, .messageEnded:
            addLiteral(through: end, of: piece)
        }
    }

    /// The parser has read the whole piece.
    ///
    /// - Parameter isInFile: whether its end may be content of a file. Otherwise all of it is literal, also the beginning of
    ///   a delimiter: parsing it again leads to the same state.
    mutating func pieceEnded(_ piece: ByteBuffer, isInFile: Bool) {
        if isInFile {
            moveToUndecided(through: piece.readableBytes, of: piece)
        } else {
            addLiteral(through: piece.readableBytes, of: piece)
        }
        position = 0
    }

    /// - Parameter count: of bytes of a body that is the content of a file.
    mutating func addContent(_ count: Int, of file: Int = 0) {
        if case .content(file, let before)? = segments.last {
            segments[segments.count - 1] = .content(file: file, count: before + count)
        } else {
            segments.append(.content(file: file, count: count))
        }
    }

    mutating func addCoded(_ count: Int) {
        if case .coded(let before)? = segments.last {
            segments[segments.count - 1] = .coded(count: before + count)
        } else {
            segments.append(.coded(count: count))
        }
    }

    /// The body of a restored upload ends with these bytes, which the parser has been given again.
    mutating func restore(undecided bytes: [UInt8]) { undecided = bytes }

    /// - Returns: the segments since the last call, with the undecided bytes at their end.
    mutating func takeSegments() -> [BodySegment] {
        defer { (segments, literalBytes) = ([], 0) }
        return undecided.isEmpty ? segments : segments + [.undecided(undecided)]
    }

    private mutating func addLiteral(through end: Int, of piece: ByteBuffer) {
        moveToUndecided(through: end, of: piece)
        guard !undecided.isEmpty else { return }
        literalBytes += undecided.count
        if case .literal(var bytes)? = segments.last {
            // The array is taken out first, so that it is not copied for each part.
            segments.removeLast()
            bytes += undecided
            segments.append(.literal(bytes))
        } else {
            segments.append(.literal(undecided))
        }
        undecided = []
    }

    private mutating func moveToUndecided(through end: Int, of piece: ByteBuffer) {
        guard end > position else { return }
        undecided += piece.getBytes(at: piece.readerIndex + position, length: end - position) ?? []
        position = end
    }
}
