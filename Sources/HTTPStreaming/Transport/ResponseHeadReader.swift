/// Puts together the head of the final response from the header lines that libcurl hands over.
///
/// libcurl passes on every header: informational ones (1xx) before it, and trailer fields after.
struct ResponseHeadReader {
    private enum State {
        /// → `inHeader`
        case idle
        /// → `idle`, `complete`
        case inHeader(status: Int, isHTTP10: Bool)
        /// Trailer fields may follow; they are ignored.
        case complete
    }

    private var state = State.idle
    private(set) var fields = HeaderFields()
    /// Whether the last response was a 417 that libcurl answers by itself, by sending the request
    /// again without `Expect: 100-continue`; it is final only if nothing follows.
    private(set) var refusedExpectation = false
    /// Whether libcurl adds that field; see ``Transfer``.
    private var expectsContinue: Bool

    init(expectsContinue: Bool) { self.expectsContinue = expectsContinue }

    /// Why what has come cannot be a response, once it shows.
    private(set) var complaint: String?
    private var bytesRead = 0

    /// Whether nothing of a response has come.
    private(set) var isUntouched = true

    /// Takes one line, its CRLF included; returns the status when it ends the final head.
    ///
    /// - Parameter mayBeSentAgain: whether the body has not been sent whole, which libcurl needs to
    ///   send the request again by itself.
    mutating func append(_ bytes: UnsafeRawBufferPointer, mayBeSentAgain: Bool) -> Int? {
        isUntouched = false
        bytesRead += bytes.count
        if bytesRead > Self.limit { complaint = "the header of the response is longer than \(Self.limit >> 10) KiB" }
        var line = bytes[...]
        while let last = line.last, last == 0x0D || last == 0x0A { line.removeLast() }
        switch state {
        case .complete:
            return nil
        case .idle:
            guard let status = Self.status(in: line) else { return nil }
            fields = HeaderFields()
            refusedExpectation = false
            state = .inHeader(status: status, isHTTP10: line.starts(with: "HTTP/1.0".utf8))
            return nil
        case .inHeader(let status, let isHTTP10):
            guard line.isEmpty else {
                appendField(line)
                return nil
            }
            return endHeader(status: status, mayBeSentAgain: mayBeSentAgain && !isHTTP10)
        }
    }

    /// What the server's end of a connection means that libcurl takes for the end of a response.
    var endedTooEarly: ClientError {
        switch state {
        case .inHeader:
            ClientError(.connectionLost, "the connection was lost within the header of the response")
        case .idle, .complete:
            ClientError(.invalidResponse, "what came is no HTTP response")
        }
    }

    private mutating func endHeader(status: Int, mayBeSentAgain: Bool) -> Int? {
        complaint = complaint ?? Self.complaint(about: status, fields)
        switch status {
        case ..<200:
            state = .idle
            return nil
        // libcurl lets be a response that closes its connection.
        case 417 where expectsContinue && mayBeSentAgain && fields["connection"]?.lowercased() != "close":
            expectsContinue = false
            refusedExpectation = true
            state = .idle
            return nil
        default:
            state = .complete
            return status
        }
    }

    private mutating func appendField(_ line: Slice<UnsafeRawBufferPointer>) {
        // A line folded (RFC 9112 §5.2).
        if let first = line.first, Self.isBlank(first) { return fields.extendLast(" " + Self.text(line)) }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        fields.append(Self.text(line[..<colon]), Self.text(line[line.index(after: colon)...]))
    }

    /// Without blanks around it, and with one for each CR within (RFC 9110 §5.5).
    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        var bytes = bytes.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return String(decoding: bytes.map { $0 == 0x0D ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// The status of `HTTP/1.1 200 OK` or `HTTP/2 200`.
    private static func status(in line: Slice<UnsafeRawBufferPointer>) -> Int? {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard words.count >= 2, words[0].starts(with: "HTTP/".utf8), words[1].count == 3 else { return nil }
        return Int(String(decoding: words[1], as: UTF8.self))
    }
}
