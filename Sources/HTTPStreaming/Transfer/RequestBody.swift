/// The body of a request as it is sent. Agent's turns only.
final class RequestBody {
    /// Nil once closed.
    private var source: (any Source)?
    /// Nil before anything has been read.
    private var reader: (any SourceReader)?
    private let context: ReadContext
    /// The length that was found by reading the body once before; it may be another one this time.
    private let countedLength: Int64?
    /// Bytes given out.
    private(set) var offset: Int64 = 0
    /// What is known of the source once it is closed.
    private var last: (isFinished: Bool, plainLength: Int64?, bytesRead: Int64, part: UploadProgress.Part?) =
        (true, nil, 0, nil)

    /// - Parameters:
    ///   - source: nil where the request has no body.
    ///   - countedLength: from ``RequestBody/count(_:)``; nil if the body was not counted.
    init(_ source: (any Source)?, countedLength: Int64? = nil, context: ReadContext) {
        self.source = source
        self.countedLength = countedLength
        self.context = context
    }

    /// Sets how many blocks may be encoded at a time, for encoders that begin from now on.
    func limitWorkers(to limit: Int) { context.workerLimit = limit }

    /// The exact number of bytes if it is known before they are read.
    var length: Int64? { countedLength ?? source?.length }
    var isInMemory: Bool { source?.isInMemory ?? true }
    var encoderCount: Int { source?.encoderCount ?? 0 }
    var demand: BufferDemand { source?.demand ?? .none }
    /// Whether all has been given out.
    var isAtEnd: Bool { reader?.isAtEnd ?? false }
    /// Whether no parts are added any more.
    var isFinished: Bool { source?.isFinished ?? last.isFinished }
    /// As ``length``, before the content coding.
    var plainLength: Int64? { source?.plainLength ?? last.plainLength }
    /// Bytes read, before the content coding.
    var bytesRead: Int64 { reader?.bytesRead ?? last.bytesRead }
    /// The part that is being read, or the last one that was.
    var currentPart: UploadProgress.Part? { reader?.currentPart ?? last.part }
    /// The descriptor that must become readable before more can be read.
    var awaitedDescriptor: Int32? { reader?.awaitedDescriptor }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        guard let source else { return .end }
        let reader = if let reader { reader } else { try source.reader(at: 0, context) }
        self.reader = reader
        let outcome = try reader.read(into: buffer)
        if case .bytes(let count) = outcome { offset += Int64(count) }
        try checkLength(outcome)
        return outcome
    }

    /// To be called before the bytes are given out: a server must never receive the end of a body that is shorter than
    /// announced, and libcurl does not ask for bytes behind the announced length.
    private func checkLength(_ outcome: ReadOutcome) throws(ClientError) {
        guard let countedLength else { return }
        guard outcome == .end || isAtEnd ? offset == countedLength : offset < countedLength else {
            throw ClientError(
                .sourceChanged, "the body is not as long as when it was counted, which was \(countedLength) bytes")
        }
    }

    /// To be called when something has been encoded: reads on into the room that this has made.
    func readAhead() throws(ClientError) { try reader?.readAhead() }

    func appendEmptyBlock() { reader?.appendEmptyBlock() }

    /// Goes back to the beginning, to send the body again.
    ///
    /// - Returns: false if that can no longer be read.
    func rewind() -> Bool {
        if let source, source.obstacle != nil { return false }
        reader = nil
        offset = 0
        return true
    }

    /// Releases the source, and closes the file that is open. Nothing is read any more.
    func close() {
        guard let source else { return }
        last = (source.isFinished, source.plainLength, bytesRead, currentPart)
        reader = nil
        self.source = source.isOpenEnded ? source : nil
        source.abandon()
    }
}
