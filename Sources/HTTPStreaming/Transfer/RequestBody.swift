/// Reads the body of a request, or the end of it, once or several times. Used by the agent only, or by the task that
/// counts a body.
final class RequestBody {
    /// Nil when closed.
    private var source: (any Source)?
    /// Nil until something is read.
    private var reader: (any SourceReader)?
    let context: ReadContext
    /// The length at which the body must end, if that has to be checked by asking for its end: it was found by reading the body
    /// once before, and may differ when the body is read again; or the source has a late end.
    private let countedLength: Int64?
    /// The offset in the source at which the body of this request begins.
    let start: Int64
    /// The number of bytes that were read from `start` on, after the content coding.
    private(set) var offset: Int64 = 0
    /// The last byte of a counted body, until its source has ended.
    private var lastByte: UInt8?
    /// The values before the first reading, and the last ones of a source that was closed.
    private var last: (isFinished: Bool, plainLength: Int64?, bytesRead: Int64, part: UploadProgress.Part?) =
        (true, nil, 0, nil)

    /// - Parameters:
    ///   - source: nil if the request has no body.
    ///   - start: the offset in the source of the first byte to read.
    ///   - countedLength: of the whole source, from ``RequestBody/count(_:)``; nil if it was not counted.
    init(_ source: (any Source)?, from start: Int64 = 0, countedLength: Int64? = nil, context: ReadContext) {
        self.start = start
        self.source = source
        // With a content coding, only the reader knows the offset in the content.
        if source?.encoderCount == 0 { last.bytesRead = start }
        self.countedLength = countedLength ?? (source?.hasLateEnd == true ? source?.length : nil)
        self.context = context
    }

    /// The exact number of bytes from `start` on; nil if it is not known before they are read.
    var length: Int64? { (countedLength ?? source?.length).map { $0 - start } }
    /// The offset in the source of the next byte.
    var position: Int64 { start + offset }
    var encoderCount: Int { source?.encoderCount ?? 0 }
    var heldMemory: Int { source?.heldMemory ?? 0 }
    /// Whether all bytes have been read.
    var isAtEnd: Bool { lastByte == nil && reader?.isAtEnd ?? false }
    /// Whether no parts are added any more.
    var isFinished: Bool { source?.isFinished ?? last.isFinished }
    /// The length before the content coding; nil if it is not known.
    var plainLength: Int64? { source?.plainLength ?? last.plainLength }
    /// The number of bytes that were read, before the content coding.
    var bytesRead: Int64 { reader?.bytesRead ?? last.bytesRead }
    /// The part that is being read, or the last one.
    var currentPart: UploadProgress.Part? { reader?.currentPart ?? last.part }
    /// The descriptor that must become readable before more can be read.
    var awaitedDescriptor: Int32? { reader?.awaitedDescriptor }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        guard let source else { return .end }
        let reader = if let reader { reader } else { try source.reader(at: start, context) }
        self.reader = reader
        let outcome =
            if let countedLength {
                try read(reader, into: buffer, length: countedLength)
            } else {
                try reader.read(into: buffer)
            }
        if case .bytes(let count) = outcome { offset += Int64(count) }
        return outcome
    }

    /// Reads a body that must end at the counted length. Holds back the last byte until the source has ended: the server
    /// must not receive the end of a body that differs from the announced length, libcurl does not read beyond that length,
    /// and some sources find their end only by reading.
    private func read(
        _ reader: any SourceReader, into buffer: UnsafeMutableRawBufferPointer, length: Int64
    ) throws(ClientError) -> ReadOutcome {
        var room = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: max(1, length - position - 1))))
        if lastByte == nil {
            let outcome = try reader.read(into: room)
            guard case .bytes(let count) = outcome else {
                if outcome == .end, position < length { throw Self.lengthChanged(length) }
                return outcome
            }
            let end = position + Int64(count)
            guard reader.isAtEnd ? end == length : end <= length else { throw Self.lengthChanged(length) }
            guard end == length else { return outcome }
            lastByte = room[0]
        }
        if !reader.isAtEnd {
            room = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(1))
            let outcome = try reader.read(into: room)
            if case .bytes = outcome { throw Self.lengthChanged(length) }
            guard outcome == .end else { return outcome }
        }
        buffer[0] = lastByte ?? 0
        lastByte = nil
        return .bytes(1)
    }

    private static func lengthChanged(_ length: Int64) -> ClientError {
        ClientError(
            .sourceChanged, "the length of the body has changed: it was \(length) bytes when it was counted")
    }

    /// Reads bytes into free blocks of the encoders. To be called when a block has been encoded.
    func readAhead() throws(ClientError) { try reader?.readAhead() }

    func appendEmptyBlock() { reader?.appendEmptyBlock() }

    /// Goes back to `start`, to send the body again.
    ///
    /// - Returns: false if the body can no longer be read from there.
    func rewind() -> Bool {
        if start == 0, let source, source.obstacle != nil { return false }
        reader = nil
        lastByte = nil
        offset = 0
        return true
    }

    /// Releases the source and closes its open file. Nothing can be read after that.
    func close() {
        guard let source else { return }
        last = (source.isFinished, source.plainLength, bytesRead, currentPart)
        reader = nil
        self.source = nil
        source.abandon()
    }
}
