internal import ContentCoding
internal import Platform

/// The message of one request, read piece by piece: a pure function of its boundary, its parts and
/// an offset, so that it can be taken up anywhere without reading what comes before, but for parts
/// that are compressed on the way.
///
/// Agent's turns only; holds one open file at most.
struct BodyReader: ByteSource {
    /// Where the next byte comes from.
    private enum Position {
        case opening(part: Int, offset: Int)
        /// `source` has the rest.
        case content(part: Int)
        case partEnd(part: Int, offset: Int)
        /// Behind the last part given so far: at its end, if that was the last.
        case messageEnd(offset: Int)
    }

    /// How much memory finished parts of an open request may take before they are let go; after
    /// that the body can no longer be sent again.
    static let replayBudget = 1 << 20

    private var context: BodyContext
    private let messageEnd: [UInt8]
    /// The parts from `firstOffset` on; those before it have been let go.
    private var parts: [PreparedPart] = []
    private var firstOffset: Int64 = 0
    /// The last of those that have been let go.
    private var lastGone: UploadProgress.Part?
    /// Bytes of content of the last part that was read to its end.
    private var lastContentCount: Int64 = 0
    private var finishedFootprint = 0
    private var position = Position.opening(part: 0, offset: 0)
    /// In a part's content.
    private var source: PartSource?
    /// In the content of a part that is compressed on the way.
    private var encoding: EncodingReader?
    private(set) var offset: Int64 = 0
    private(set) var isFinished = false
    /// Whether parts came one by one, so that finished ones are ours alone to keep.
    private var isOpenEnded = false

    /// - Parameter messageEnd: what comes behind the last part.
    init(messageEnd: [UInt8], context: BodyContext) {
        self.messageEnd = messageEnd
        self.context = context
    }

    mutating func append(_ newParts: [PreparedPart], isLast: Bool) {
        parts += newParts
        isFinished = isLast
        isOpenEnded = isOpenEnded || !isLast
    }

    /// Sets how many blocks of a part that is compressed on the way may be encoded at a time, from the
    /// next such part on.
    mutating func limitWorkers(to limit: Int) { context.workerLimit = limit }

    /// The exact number of bytes of the whole body; nil while parts may still be added, or if the
    /// length of one is not known, or the sum beyond all numbers.
    var length: Int64? {
        guard isFinished else { return nil }
        var length = firstOffset + Int64(messageEnd.count)
        for part in parts {
            guard let partLength = part.length else { return nil }
            let (sum, isBeyond) = length.addingReportingOverflow(partLength)
            guard !isBeyond else { return nil }
            length = sum
        }
        return length
    }

    /// Whether it is all here, with no source to read.
    var isInMemory: Bool {
        isFinished
            && parts.allSatisfy { part in
                if case .bytes = part.content { part.gzipLevel == nil } else { false }
            }
    }

    /// Whether the whole body has been read.
    var isAtEnd: Bool {
        if case .messageEnd(messageEnd.count) = position { true } else { false }
    }

    var isCompressed: Bool {
        guard case .content = position, let source else { return false }
        return source.isCompressed && (encoding != nil || !source.isAtEnd)
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead {
        let kind = isCompressed
        var filled = 0
        while filled < buffer.count, filled == 0 || isCompressed == kind {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            switch try readPiece(into: rest) {
            case .bytes(let count): filled += count
            case .none: continue
            case .some(let nothing): return filled > 0 ? .bytes(filled) : nothing
            }
        }
        return .bytes(filled)
    }

    /// Has the part that is being compressed, if there is one, go on.
    mutating func readAhead() throws(ClientError) {
        guard var source, let encoding else { return }
        defer { self.source = source }
        try encoding.readAhead(from: &source)
    }

    /// Reads on within one piece; nil if it had no more bytes, and the next one has its turn.
    private mutating func readPiece(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead? {
        switch position {
        case .opening(let part, _) where part == parts.count:
            guard isFinished else { return .dry }
            position = .messageEnd(offset: 0)
            return nil
        case .opening(let part, let start):
            let count = copy(parts[part].opening, from: start, to: buffer)
            if start + count < parts[part].opening.count {
                position = .opening(part: part, offset: start + count)
            } else {
                enterContent(of: part)
            }
            return .bytes(count)
        case .content(let part):
            let outcome = try readContent(into: buffer)
            guard outcome == .end else { return outcome }
            leaveContent(of: part)
            return nil
        case .partEnd(let part, let start):
            let count = copy(parts[part].ending, from: start, to: buffer)
            if start + count < parts[part].ending.count {
                position = .partEnd(part: part, offset: start + count)
            } else {
                finish(part)
            }
            return .bytes(count)
        case .messageEnd(let start):
            guard start < messageEnd.count else { return .end }
            let count = copy(messageEnd, from: start, to: buffer)
            position = .messageEnd(offset: start + count)
            return .bytes(count)
        }
    }

    private mutating func enterContent(of part: Int, offset: Int64 = 0) {
        position = .content(part: part)
        source = PartSource(parts[part], offset: offset, context: context)
        if let level = parts[part].gzipLevel {
            encoding = EncodingReader(.gzip, level: level, context: context)
        }
    }

    private mutating func leaveContent(of part: Int) {
        lastContentCount = source?.offset ?? 0
        position = .partEnd(part: part, offset: 0)
        source = nil
        encoding = nil
    }

    private mutating func readContent(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead {
        guard var source else { preconditionFailure("content without a source") }
        defer { self.source = source }
        let outcome =
            if let encoding { try encoding.read(into: buffer, from: &source) } else { try source.read(into: buffer) }
        if case .bytes(let count) = outcome { offset += Int64(count) }
        return outcome
    }

    /// What is to be waited for, by poll(2), before more can be read.
    var awaitedDescriptor: Int32? { source?.awaitedDescriptor }

    private mutating func finish(_ part: Int) {
        position = .opening(part: part + 1, offset: 0)
        guard isOpenEnded else { return }
        finishedFootprint += parts[part].footprint
        guard finishedFootprint > Self.replayBudget else { return }
        firstOffset = offset
        lastGone = finishedProgress(of: part)
        parts.removeSubrange(...part)
        finishedFootprint = 0
        position = .opening(part: 0, offset: 0)
    }

    /// Goes to an offset in the body, to send it again from there.
    ///
    /// - Returns: false when what is there has been let go, or has been read of what can be read once
    ///   only, or is behind the beginning of a part that is compressed on the way, or of unknown length.
    mutating func seek(to target: Int64) -> Bool {
        guard target >= firstOffset, !parts.contains(where: { $0.usedUp != nil }) else { return false }
        var start = firstOffset
        for (index, part) in parts.enumerated() {
            let opening = Int64(part.opening.count)
            if target < start + opening {
                return place(at: target, .opening(part: index, offset: Int(target - start)))
            }
            guard let length = part.length else { return false }
            guard target >= start + length else {
                return placeBehindOpening(of: index, at: target, offset: target - start - opening)
            }
            start += length
        }
        let beyond = target - start
        guard beyond == 0 || isFinished && beyond <= messageEnd.count else { return false }
        return place(
            at: target, beyond == 0 ? .opening(part: parts.count, offset: 0) : .messageEnd(offset: Int(beyond)))
    }

    private mutating func place(at target: Int64, _ position: Position) -> Bool {
        offset = target
        self.position = position
        source = nil
        encoding = nil
        // Parts behind this one are not finished any more.
        finishedFootprint = 0
        return true
    }

    private mutating func placeBehindOpening(of part: Int, at target: Int64, offset: Int64) -> Bool {
        let contentLength = parts[part].content.length ?? 0
        let isPlaced = place(at: target, .partEnd(part: part, offset: Int(max(0, offset - contentLength))))
        if offset < contentLength { enterContent(of: part, offset: offset) }
        return isPlaced
    }

    /// The part that is being read, or the last that has been; nil before the first.
    var currentPart: UploadProgress.Part? {
        switch position {
        case .opening(let part, let start) where start == 0 && (part > 0 || parts.isEmpty):
            return part == 0 ? lastGone : finishedProgress(of: part - 1)
        case .opening(let part, _): return progress(of: part, bytesRead: 0)
        case .content(let part): return progress(of: part, bytesRead: source?.offset ?? 0)
        case .partEnd(let part, _): return finishedProgress(of: part)
        case .messageEnd:
            guard let last = parts.indices.last else { return lastGone }
            return finishedProgress(of: last)
        }
    }

    private func finishedProgress(of part: Int) -> UploadProgress.Part? {
        progress(of: part, bytesRead: parts[part].content.length ?? lastContentCount)
    }

    private func progress(of part: Int, bytesRead: Int64) -> UploadProgress.Part? {
        guard let name = parts[part].name else { return nil }
        return UploadProgress.Part(
            index: part + (lastGone.map { $0.index + 1 } ?? 0), name: name, filename: parts[part].filename,
            bytesRead: bytesRead, totalBytes: parts[part].content.length)
    }

    /// Lets go of all parts, and closes the file that is open; nothing is read any more.
    mutating func close() {
        lastGone = currentPart
        for part in parts { part.abandon() }
        parts = []
        source = nil
        encoding = nil
        position = .messageEnd(offset: messageEnd.count)
    }

    private mutating func copy(_ bytes: [UInt8], from start: Int, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(bytes.count - start, buffer.count)
        buffer.copyBytes(from: bytes[start..<(start + count)])
        offset += Int64(count)
        return count
    }
}
