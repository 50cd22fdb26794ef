internal import Platform

/// Reads `multipart/form-data` (RFC 7578, RFC 2046) as it arrives, in buffers of any size and
/// split, without I/O and without copying content.
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
/// It takes time linear in the input, whatever the input. It keeps no more than one part's header
/// (see ``Limits``); of content it holds back a delimiter's length at most, and that without
/// storing it.
public struct MultipartParser: Sendable {
    public enum Event: Hashable, Sendable {
        /// A part's header is complete. Its content follows, in any number of pieces, or none.
        case partBegan(PartHead)
        /// The next bytes of content are these of the buffer.
        case content(Range<Int>)
        /// The next bytes of content are these, which stood at the end of earlier buffers and
        /// looked like a delimiter until now.
        case heldContent(ArraySlice<UInt8>)
        /// The part is complete.
        case partEnded
        /// The closing delimiter has been read. What may follow is ignored, within limits.
        case messageEnded
    }

    /// How much of what is not content is taken before the message is refused.
    public struct Limits: Hashable, Sendable {
        /// Bytes of one part's header, line ends included; 16 KiB unless set.
        public var headerBytes = 16 * 1024
        /// Lines of one part's header; 64 unless set.
        public var headerLines = 64
        /// Parts in the message; 1,000 unless set.
        public var parts = 1_000
        /// Bytes before the first delimiter; 8 KiB unless set.
        public var preambleBytes = 8 * 1024
        /// Bytes after the closing delimiter; 8 KiB unless set.
        public var epilogueBytes = 8 * 1024

        public init() {}
    }

    enum State: Sendable {
        /// Before the first delimiter, of which `matched` bytes have been seen.
        /// → `delimited`, `failed`
        case preamble(matched: Int)
        /// In a part's content; `matched` likewise. → `delimited`, `failed`
        case content(matched: Int)
        /// Behind a delimiter whose line is not complete, so that it may yet turn out to be
        /// content. → `header`, `epilogue`, `content`, `preamble`, `failed`
        case delimited(Tail)
        /// In a part's header. → `content`, `failed`
        case header
        /// Behind the closing delimiter. → `failed`
        case epilogue
        /// Every further call throws this.
        case failed(MultipartError)
    }

    /// What has been read behind a delimiter, on its line.
    enum Tail: Sendable {
        case nothing, dash, cr
        case padding(Int), paddingCR
    }

    let search: DelimiterSearch
    let delimiterDash: [UInt8]
    let limits: Limits
    var state = State.preamble(matched: 2)
    /// Of the delimiter being matched, how many bytes at its front are not the input's own: the
    /// CRLF may be missing at the very start of a message, and after an empty body it may be the
    /// one that ends the header (RFC 2046 §5.1.1).
    var implied = 2
    var inPart = false
    var parts = 0
    /// Bytes of preamble, later of epilogue.
    var ignored = 0
    var header = HeaderBlock()
    /// An event to be told before anything more is read.
    var pending: Event?

    public init(boundary: Boundary, limits: Limits = Limits()) {
        search = DelimiterSearch(boundary: boundary)
        delimiterDash = search.delimiter + [ASCII.dash]
        self.limits = limits
    }

    /// The next event in `buffer` from `offset` on, which is moved behind what has been read.
    ///
    /// - Returns: nil when the buffer has been read whole: call again with the next one and an
    ///   offset of 0.
    /// - Throws: what is wrong with the message, at this call and every later one.
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

    /// To be called at the end of the input.
    ///
    /// - Throws: ``MultipartError/Code/truncated`` unless the closing delimiter has been read.
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

    /// Reads on within one state; returns nil to be called again.
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
            implied = 2
            state = .content(matched: 2)
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
