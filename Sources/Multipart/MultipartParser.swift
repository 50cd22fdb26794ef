internal import Platform

/// Parses `multipart/form-data` (RFC 7578, RFC 2046) incrementally, in buffers of any size, without I/O and without
/// copying content.
///
/// ```swift
/// var parser = MultipartParser(boundary: try Boundary(contentType: field))
/// while let chunk = nextChunk() {
///     try chunk.withUnsafeBytes { buffer in
///         var offset = 0
///         while let event = try parser.next(in: buffer, at: &offset) {
///             switch event {
///             case .partBegan(let head): open(head)
///             case .content(let range): write(buffer[range])
///             case .heldContent(let bytes): write(bytes)
///             case .partEnded: close()
///             case .messageEnded: break
///             }
///         }
///     }
/// }
/// try parser.finish()
/// ```
///
/// Lines end with CRLF, or all of them with LF alone, if the first line is a delimiter that ends so.
///
/// The time is linear in the length of any input. The parser stores the header of one part at most (see ``Limits``).
/// It delays up to a delimiter's length of content, but does not store it.
public struct MultipartParser: Sendable {
    /// A piece of the message that the parser has read.
    public enum Event: Hashable, Sendable {
        /// The header of a part is complete. The part's content follows, in zero or more pieces.
        case partBegan(PartHead)
        /// The next bytes of content are those in this range of the buffer.
        case content(Range<Int>)
        /// The next bytes of content are these. They stood at the end of previous buffers and looked like the start of
        /// a delimiter.
        case heldContent(ArraySlice<UInt8>)
        /// The part is complete.
        case partEnded
        /// The message is complete. Up to ``Limits/epilogueBytes`` may follow, and are ignored.
        case messageEnded
    }

    /// Limits of everything in a message that is not content. The parser refuses a message that exceeds one.
    public struct Limits: Hashable, Sendable {
        /// The maximum length of one part's header in bytes, with line ends. Default: 16 KiB.
        public var headerBytes = 16 * 1024
        /// The maximum number of lines in one part's header. Default: 64.
        public var headerLines = 64
        /// The maximum number of parts. Default: 1,000.
        public var parts = 1_000
        /// The maximum number of bytes before the first delimiter. Default: 8 KiB.
        public var preambleBytes = 8 * 1024
        /// The maximum number of bytes after the closing delimiter. Default: 8 KiB.
        public var epilogueBytes = 8 * 1024

        /// The default limits.
        public init() {}
    }

    enum State: Sendable {
        /// Before the first delimiter, of which `matched` bytes have been read.
        /// → `delimited`, `failed`
        case preamble(matched: Int)
        /// In a part's content. `matched` bytes of the next delimiter have been read. → `delimited`, `failed`
        case content(matched: Int)
        /// After a boundary, before the end of its line. The boundary may still turn out to be content.
        /// → `header`, `epilogue`, `content`, `preamble`, `failed`
        case delimited(Tail)
        /// In a part's header. → `content`, `failed`
        case header
        /// After the closing delimiter. → `failed`
        case epilogue
        /// Every further call throws this error.
        case failed(MultipartError)
    }

    /// The bytes read after a boundary, on its line.
    enum Tail: Sendable {
        case nothing, dash, cr
        case padding(Int), paddingCR
    }

    let boundary: Boundary
    /// CRLF, or LF in a message whose first line ends so.
    var lineBreak = [ASCII.cr, ASCII.lf] {
        didSet { search = DelimiterSearch(boundary: boundary, lineBreak: lineBreak) }
    }
    private(set) var search: DelimiterSearch
    let limits: Limits
    /// Whether every part must have a Content-Disposition `form-data` with a name.
    let isFormData: Bool
    var state = State.preamble(matched: 2)
    /// The number of bytes at the start of the current delimiter that are not in its own input: the message may begin
    /// without a line break, and after empty content the line break may be the one that ends the header
    /// (RFC 2046 §5.1.1).
    var implied = 2
    var inPart = false
    var parts = 0
    /// The number of bytes of the preamble, later of the epilogue.
    var ignored = 0
    var header = HeaderBlock()
    /// An event to return before reading more.
    var pending: Event?

    /// Makes a parser for one message with this boundary.
    public init(boundary: Boundary, limits: Limits = Limits()) {
        self.init(boundary: boundary, limits: limits, isFormData: true)
    }

    /// Makes a parser for a message of any `multipart` type.
    init(boundary: Boundary, limits: Limits, isFormData: Bool) {
        self.boundary = boundary
        search = DelimiterSearch(boundary: boundary)
        self.limits = limits
        self.isFormData = isFormData
    }

    /// Reads `buffer` from `offset` to the next event, and moves `offset` to the end of what it has read.
    ///
    /// - Returns: nil if the whole buffer has been read. Call again with the next buffer and an offset of 0.
    /// - Throws: ``MultipartError`` if the message is malformed or exceeds a limit. Later calls throw the same error.
    public mutating func next(
        in buffer: UnsafeRawBufferPointer, at offset: inout Int
    ) throws(MultipartError) -> Event? {
        if let event = pending.take() { return event }
        if case .failed(let error) = state { throw error }
        do throws(MultipartError) {
            while offset < buffer.count {
                if let event = try step(in: buffer, at: &offset) { return event }
            }
            return nil
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// Checks that the message is complete. Call it at the end of the input.
    ///
    /// - Throws: ``MultipartError/Code/truncated`` if the closing delimiter has not been read, or the error that
    ///   ``next(in:at:)`` has thrown.
    public func finish() throws(MultipartError) {
        switch state {
        case .epilogue: return
        case .failed(let error): throw error
        case .preamble:
            throw MultipartError(.truncated, "the message ended before its first delimiter")
        case .header:
            throw MultipartError(.truncated, "the message ended in the header of a part")
        case .content, .delimited:
            throw MultipartError(.truncated, "the message ended before its closing delimiter")
        }
    }

    /// Reads within one state. Returns nil if there is no event yet.
    private mutating func step(
        in buffer: UnsafeRawBufferPointer, at offset: inout Int
    ) throws(MultipartError) -> Event? {
        switch state {
        case .preamble(let matched), .content(let matched):
            return try scan(buffer, at: &offset, matched: matched)
        case .delimited(let tail):
            return try readDelimiterLine(buffer[offset], at: &offset, tail: tail)
        case .header:
            guard let head = try readHeader(buffer, at: &offset) else { return nil }
            parts += 1
            guard parts <= limits.parts else {
                throw MultipartError(.tooManyParts, "the message has more than \(limits.parts) parts")
            }
            inPart = true
            implied = lineBreak.count
            state = .content(matched: lineBreak.count)
            return .partBegan(head)
        case .epilogue:
            ignored += buffer.count - offset
            offset = buffer.count
            guard ignored <= limits.epilogueBytes else {
                throw MultipartError(
                    .epilogueTooLarge, "more than \(limits.epilogueBytes) bytes follow the closing delimiter"
                )
            }
            return nil
        case .failed(let error):
            throw error
        }
    }
}
