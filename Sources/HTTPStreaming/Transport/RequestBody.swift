internal import Platform

/// The body of a request as it goes over the connection: the message, through its content coding if
/// there is one. Agent's turns only.
final class RequestBody {
    private var message: BodyReader
    private let coding: Client.ContentCoding
    private let announced: Int64?
    private let isCounted: Bool
    private var context: BodyContext
    private var encoding: EncodingReader?
    /// Bytes given out.
    private(set) var offset: Int64 = 0

    /// - Parameters:
    ///   - messageEnd: what comes behind the last part.
    ///   - announced: its length, if that is known from elsewhere.
    ///   - isCounted: whether that was found by reading it, which may bring something else the next time.
    init(
        messageEnd: [UInt8], coding: Client.ContentCoding, announced: Int64? = nil, isCounted: Bool = true,
        context: BodyContext
    ) {
        message = BodyReader(messageEnd: messageEnd, context: context)
        self.coding = coding
        self.announced = announced
        self.isCounted = isCounted
        self.context = context
        encoding = coding.makeReader(context)
    }

    func append(_ parts: [PreparedPart], isLast: Bool) { message.append(parts, isLast: isLast) }

    /// Sets how many blocks may be encoded at a time, from now on where nothing has been read, else
    /// from the next part on that is compressed on the way.
    func limitWorkers(to limit: Int) {
        context.workerLimit = limit
        message.limitWorkers(to: limit)
        if message.offset == 0 { encoding = coding.makeReader(context) }
    }

    /// The exact number of bytes, if it is known before they are read.
    var length: Int64? { announced ?? (encoding == nil ? message.length : nil) }

    /// Whether it is all here, as it is sent.
    var isInMemory: Bool { encoding == nil && message.isInMemory }

    /// As ``length``, before the content coding.
    var messageLength: Int64? { message.length }

    /// Bytes of the message that have been read.
    var messageOffset: Int64 { message.offset }

    /// The part that is being read, or the last that has been.
    var currentPart: UploadProgress.Part? { message.currentPart }

    /// Whether all has been given out.
    var isAtEnd: Bool { encoding?.isAtEnd ?? message.isAtEnd }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead {
        let outcome =
            if let encoding { try encoding.read(into: buffer, from: &message) } else { try message.read(into: buffer) }
        if case .bytes(let count) = outcome { offset += Int64(count) }
        try checkLength(outcome)
        return outcome
    }

    /// To be called before what was read is given away: a server never gets the end of what is shorter than
    /// was announced, and nobody asks for what comes behind that length.
    private func checkLength(_ outcome: BodyRead) throws(ClientError) {
        guard let announced, isCounted else { return }
        guard outcome == .end || isAtEnd ? offset == announced : offset < announced else {
            throw ClientError(
                .sourceChanged, "the body is not as long as when it was counted, which was \(announced) bytes")
        }
    }

    /// What is to be waited for, by poll(2), before more can be read.
    var awaitedDescriptor: Int32? { message.awaitedDescriptor }

    /// To be called when something has been encoded: reads on into the room that this has made.
    func readAhead() throws(ClientError) {
        try message.readAhead()
        try encoding?.readAhead(from: &message)
    }

    /// Gives out what means nothing, to show that the request is alive, if the coding has such.
    func appendEmptyBlock() { encoding?.appendEmptyBlock() }

    /// Goes back to the beginning, to send it again.
    ///
    /// - Returns: false when what is there has been let go.
    func rewind() -> Bool {
        guard message.seek(to: 0) else { return false }
        encoding = coding.makeReader(context)
        offset = 0
        return true
    }

    /// Lets go of all parts, and closes the file that is open; nothing is read any more.
    func close() {
        message.close()
        encoding = nil
    }
}

extension Client.ContentCoding {
    /// Whether it matters what is compressed already.
    var storesIncompressible: Bool {
        switch kind {
        case .identity: false
        case .coded(_, _, _, let storesIncompressible): storesIncompressible
        }
    }

    fileprivate func makeReader(_ context: BodyContext) -> EncodingReader? {
        switch kind {
        case .identity: nil
        case .coded(let coding, let level, let workers, let storesIncompressible):
            EncodingReader(
                coding, level: level, workers: workers, storesIncompressible: storesIncompressible, context: context)
        }
    }
}
