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

    /// Whether nothing of a response has come.
    private(set) var isUntouched = true

    /// Takes one line, its CRLF included; returns the status when it ends the final head.
    ///
    /// - Parameter mayBeSentAgain: whether the body has not been sent whole, which libcurl needs to
    ///   send the request again by itself.
    mutating func append(_ bytes: UnsafeRawBufferPointer, mayBeSentAgain: Bool) -> Int? {
        isUntouched = false
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

    private mutating func endHeader(status: Int, mayBeSentAgain: Bool) -> Int? {
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
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var value = line[line.index(after: colon)...].drop(while: isBlank)
        while let last = value.last, isBlank(last) { value.removeLast() }
        fields.append(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
    }

    /// The status of `HTTP/1.1 200 OK` or `HTTP/2 200`.
    private static func status(in line: Slice<UnsafeRawBufferPointer>) -> Int? {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard words.count >= 2, words[0].starts(with: "HTTP/".utf8), words[1].count == 3 else { return nil }
        return Int(String(decoding: words[1], as: UTF8.self))
    }
}
