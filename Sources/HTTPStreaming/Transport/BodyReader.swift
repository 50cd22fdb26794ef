internal import Multipart

/// The body of one request, read piece by piece: a pure function of its boundary, its parts and an
/// offset, so that it can be taken up anywhere without reading what comes before.
///
/// Agent's thread only; holds one open file at most.
struct BodyReader {
    /// Where the next byte comes from.
    private enum Position {
        case opening(part: Int, offset: Int)
        case content(part: Int, offset: Int64)
        case partEnd(part: Int, offset: Int)
        /// Behind the last part given so far: at its end, if that was the last.
        case messageEnd(offset: Int)
    }

    /// How much memory finished parts of an open request may take before they are let go; after
    /// that the body can no longer be sent again.
    static let replayBudget = 1 << 20

    private let encoder: MultipartEncoder
    private let messageEnd: [UInt8]
    /// The parts from `firstOffset` on; those before it have been let go.
    private var parts: [PreparedPart] = []
    private var firstOffset: Int64 = 0
    private var finishedFootprint = 0
    private var position = Position.opening(part: 0, offset: 0)
    private var file: FileReader?
    private(set) var offset: Int64 = 0
    private(set) var isFinished = false
    /// Whether parts came one by one, so that finished ones are ours alone to keep.
    private var isOpenEnded = false

    init(encoder: MultipartEncoder) {
        self.encoder = encoder
        messageEnd = encoder.messageEnd
    }

    /// Takes parts, all or none.
    mutating func append(_ newParts: [Part], isLast: Bool) throws(ClientError) {
        var prepared: [PreparedPart] = []
        prepared.reserveCapacity(newParts.count)
        for part in newParts { prepared.append(try PreparedPart(part, encoder: encoder)) }
        parts += prepared
        isFinished = isLast
        isOpenEnded = isOpenEnded || !isLast
    }

    /// The exact number of bytes of the whole body; nil while parts may still be added.
    var length: Int64? {
        guard isFinished else { return nil }
        return parts.reduce(firstOffset + Int64(messageEnd.count)) { $0 + $1.length }
    }

    /// Whether the whole body has been read.
    var isAtEnd: Bool {
        if case .messageEnd(messageEnd.count) = position { true } else { false }
    }

    /// Fills `buffer` as far as there is something.
    ///
    /// - Returns: how many bytes; 0 when all parts given so far have been read, and, if they were
    ///   the last, the closing delimiter.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            guard let count = try readPiece(into: rest) else { break }
            filled += count
        }
        offset += Int64(filled)
        return filled
    }

    /// Reads on within one piece; nil when there is nothing more for now.
    private mutating func readPiece(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> Int? {
        switch position {
        case .opening(let part, _) where part == parts.count:
            guard isFinished else { return nil }
            position = .messageEnd(offset: 0)
            return 0
        case .opening(let part, let offset):
            let count = Self.copy(parts[part].opening, from: offset, to: buffer)
            let isDone = offset + count == parts[part].opening.count
            position = isDone ? .content(part: part, offset: 0) : .opening(part: part, offset: offset + count)
            return count
        case .content(let part, let offset):
            return try readContent(of: part, from: offset, into: buffer)
        case .partEnd(let part, let offset):
            let count = Self.copy(MultipartEncoder.partEnd, from: offset, to: buffer)
            if offset + count == MultipartEncoder.partEnd.count {
                finish(part)
            } else {
                position = .partEnd(part: part, offset: offset + count)
            }
            return count
        case .messageEnd(let offset):
            guard offset < messageEnd.count else { return nil }
            let count = Self.copy(messageEnd, from: offset, to: buffer)
            position = .messageEnd(offset: offset + count)
            return count
        }
    }

    private mutating func readContent(
        of part: Int, from offset: Int64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ClientError) -> Int {
        let left = parts[part].contentLength - offset
        let count: Int
        switch parts[part].content {
        case .bytes(let bytes):
            count = Self.copy(bytes, from: Int(offset), to: buffer)
        case .file(let path, let identity):
            let file = try openFile(path, identity, at: offset)
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
            count = room.isEmpty ? 0 : try file.fill(room)
            guard count > 0 || left == 0 else {
                throw ClientError(
                    .sourceChanged,
                    "\(path): the file ended after \(offset) bytes of \(identity.size): it shrank while it was being sent"
                )
            }
        }
        if Int64(count) < left {
            position = .content(part: part, offset: offset + Int64(count))
        } else {
            // Before its last bytes are let go, so that a server never gets the whole of a
            // document that is not what it claims to be.
            try file?.checkUnchanged()
            file = nil
            position = .partEnd(part: part, offset: 0)
        }
        return count
    }

    private mutating func openFile(
        _ path: String, _ identity: FileReader.Identity, at offset: Int64
    ) throws(ClientError) -> FileReader {
        if let file { return file }
        let opened = try FileReader(path: path)
        guard opened.identity == identity else {
            throw ClientError(.sourceChanged, "\(path): the file was changed before it was sent")
        }
        if offset > 0 { try opened.seek(to: offset) }
        file = opened
        return opened
    }

    private mutating func finish(_ part: Int) {
        position = .opening(part: part + 1, offset: 0)
        guard isOpenEnded else { return }
        finishedFootprint += parts[part].footprint
        guard finishedFootprint > Self.replayBudget else { return }
        firstOffset = parts[...part].reduce(firstOffset) { $0 + $1.length }
        parts.removeSubrange(...part)
        finishedFootprint = 0
        position = .opening(part: 0, offset: 0)
    }

    /// Goes to an offset in the body, to send it again from there.
    ///
    /// - Returns: false when what is there has been let go.
    mutating func seek(to target: Int64) -> Bool {
        guard target >= firstOffset else { return false }
        var start = firstOffset
        for (index, part) in parts.enumerated() {
            guard target >= start + part.length else {
                return place(at: target, .inPart(index, offset: target - start))
            }
            start += part.length
        }
        let beyond = target - start
        guard beyond == 0 || isFinished && beyond <= messageEnd.count else { return false }
        return place(at: target, .behindParts(offset: Int(beyond)))
    }

    private enum Place {
        case inPart(Int, offset: Int64)
        case behindParts(offset: Int)
    }

    private mutating func place(at target: Int64, _ place: Place) -> Bool {
        offset = target
        file = nil
        switch place {
        case .behindParts(0):
            position = .opening(part: parts.count, offset: 0)
        case .behindParts(let offset):
            position = .messageEnd(offset: offset)
        case .inPart(let index, let offset):
            let opening = Int64(parts[index].opening.count)
            let contentEnd = opening + parts[index].contentLength
            if offset < opening {
                position = .opening(part: index, offset: Int(offset))
            } else if offset < contentEnd {
                position = .content(part: index, offset: offset - opening)
            } else {
                position = .partEnd(part: index, offset: Int(offset - contentEnd))
            }
        }
        // Parts behind this one are not finished any more.
        finishedFootprint = 0
        return true
    }

    /// Lets go of all parts, and closes the file that is open; nothing is read any more.
    mutating func close() {
        parts = []
        file = nil
        position = .messageEnd(offset: messageEnd.count)
    }

    private static func copy(_ bytes: [UInt8], from offset: Int, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(bytes.count - offset, buffer.count)
        buffer.copyBytes(from: bytes[offset..<(offset + count)])
        return count
    }
}
