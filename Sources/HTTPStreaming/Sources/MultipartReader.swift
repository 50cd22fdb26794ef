internal import Multipart

/// Reads a ``MultipartSource`` from any offset. Opens one part at a time.
final class MultipartReader: SourceReader {
    /// The piece to read next. → the next one in this order, and from `partEnd` to `between`
    private enum Position {
        /// Before the part at `index`, or before the end of the message.
        case between
        case opening(MultipartSource.FramedPart, offset: Int)
        case content(MultipartSource.FramedPart, any SourceReader)
        case partEnd(offset: Int)
        case messageEnd(offset: Int)
    }

    private let source: MultipartSource
    private let context: ReadContext
    private let messageEnd: [UInt8]
    private var position = Position.between
    /// The index of the part at `position`.
    private var index: Int
    /// The offset in the message at which the content of that part begins.
    private var contentStart: Int64 = 0
    /// The offset in the whole message.
    private(set) var bytesRead: Int64
    private(set) var currentPart: UploadProgress.Part?

    /// - Throws: ``ClientError/Code/cannotSendAgain``; see ``MultipartSource/reader(at:_:)``.
    init(_ source: MultipartSource, offset: Int64, _ context: ReadContext) throws(ClientError) {
        self.source = source
        self.context = context
        messageEnd = source.encoder.messageEnd
        (index, bytesRead) = source.firstKept
        guard bytesRead <= offset else { throw Self.unreadable }
        while bytesRead < offset { try skip(to: offset) }
    }

    /// Skips one piece, or up to `target` within it.
    private func skip(to target: Int64) throws(ClientError) {
        let distance = target - bytesRead
        switch source.part(at: index) {
        case .nothingYet:
            throw Self.unreadable
        case .end:
            guard distance <= messageEnd.count else { throw Self.unreadable }
            position = .messageEnd(offset: Int(distance))
            bytesRead = target
        case .part(let part):
            if distance < part.opening.count {
                position = .opening(part, offset: Int(distance))
                bytesRead = target
                report(part, bytesRead: 0)
                return
            }
            contentStart = bytesRead + Int64(part.opening.count)
            let contentLength = part.contentLength ?? .max - contentStart
            if let length = part.measuredLength, distance >= length {
                bytesRead += length
                report(part, bytesRead: part.content.plainLength ?? 0)
                index += 1
            } else {
                bytesRead = target
                let offset = target - contentStart
                if offset < contentLength {
                    position = .content(part, try part.content.reader(at: offset, context))
                    report(part, bytesRead: offset)
                } else {
                    position = .partEnd(offset: Int(offset - contentLength))
                    report(part, bytesRead: part.content.plainLength ?? 0)
                }
            }
        }
    }

    private static var unreadable: ClientError {
        ClientError(.cannotSendAgain, "the form cannot be read from the offset needed")
    }

    var isAtEnd: Bool {
        if case .messageEnd(messageEnd.count) = position { true } else { false }
    }

    var isCompressed: Bool {
        if case .content(_, let reader) = position { reader.isCompressed && !reader.isAtEnd } else { false }
    }

    var awaitedDescriptor: Int32? {
        if case .content(_, let reader) = position { reader.awaitedDescriptor } else { nil }
    }

    func readAhead() throws(ClientError) {
        if case .content(_, let reader) = position { try reader.readAhead() }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        let kind = isCompressed
        var filled = 0
        while filled < buffer.count, filled == 0 || isCompressed == kind {
            switch try readPiece(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])) {
            case .bytes(let count): filled += count
            case .none: continue
            case .some(let nothing): return filled > 0 ? .bytes(filled) : nothing
            }
        }
        return .bytes(filled)
    }

    /// Reads from one piece. Returns nil if that piece has ended and the next one follows.
    private func readPiece(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome? {
        switch position {
        case .between:
            switch source.part(at: index) {
            case .part(let part): position = .opening(part, offset: 0)
            case .nothingYet: return .needsInput
            case .end: position = .messageEnd(offset: 0)
            }
            return nil
        case .opening(let part, let start):
            let count = copy(part.opening, from: start, to: buffer)
            if start + count < part.opening.count {
                position = .opening(part, offset: start + count)
            } else {
                position = .content(part, try part.content.reader(at: 0, context))
                contentStart = bytesRead
            }
            report(part, bytesRead: 0)
            return .bytes(count)
        case .content(let part, let reader):
            let outcome = try reader.read(into: buffer)
            if case .bytes(let count) = outcome { bytesRead += Int64(count) }
            report(part, bytesRead: reader.bytesRead)
            guard outcome == .end else { return outcome }
            if part.content.length == nil { part.measured(bytesRead - contentStart) }
            position = .partEnd(offset: 0)
            return nil
        case .partEnd(let start):
            let count = copy(MultipartEncoder.partEnd, from: start, to: buffer)
            guard start + count == MultipartEncoder.partEnd.count else {
                position = .partEnd(offset: start + count)
                return .bytes(count)
            }
            if !context.isCounting { source.didReadPart(index, endingAt: bytesRead) }
            index += 1
            position = .between
            return .bytes(count)
        case .messageEnd(let start):
            guard start < messageEnd.count else { return .end }
            let count = copy(messageEnd, from: start, to: buffer)
            position = .messageEnd(offset: start + count)
            return .bytes(count)
        }
    }

    private func copy(_ bytes: [UInt8], from start: Int, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(bytes.count - start, buffer.count)
        buffer.copyBytes(from: bytes[start..<(start + count)])
        bytesRead += Int64(count)
        return count
    }

    private func report(_ part: MultipartSource.FramedPart, bytesRead: Int64) {
        currentPart = UploadProgress.Part(
            index: index, name: part.name, filename: part.filename, bytesRead: bytesRead,
            totalBytes: part.content.plainLength)
    }
}
