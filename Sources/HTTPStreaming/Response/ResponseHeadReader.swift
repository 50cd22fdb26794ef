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
    /// The status of the last response, if it is one that libcurl may answer by itself, by sending the
    /// request again: it is final only if nothing follows but content, which libcurl passes on of
    /// final responses only.
    private(set) var tentativeStatus: Int?
    /// Whether libcurl adds `Expect: 100-continue`; see ``Transfer``.
    private var expectsContinue: Bool
    private var digest: Digest

    /// How far digest authentication has got, which is libcurl's.
    enum Digest {
        /// There is none, or it has gone as far as it can. Final.
        case none
        /// Nothing has been sent but an empty body, which is how libcurl has the server ask.
        /// → `awaitingChallenge(sendsEmptyBody: false)`, `answered`
        case awaitingChallenge(sendsEmptyBody: Bool)
        /// The server has asked, and been answered.
        case answered
    }

    init(expectsContinue: Bool, digest: Digest = .none) {
        self.expectsContinue = expectsContinue
        self.digest = digest
    }

    /// Why what has come cannot be a response, once it shows.
    private(set) var complaint: String?
    private var bytesRead = 0

    /// Whether nothing of a response has come.
    private(set) var isUntouched = true

    /// Whether the next line, if it is of a header, is its first.
    var isBetweenHeaders: Bool { if case .idle = state { true } else { false } }

    /// Takes one line, its CRLF included; returns the status when it ends the final head.
    ///
    /// - Parameter mayBeSentAgain: whether the body has not been sent whole, which libcurl needs to
    ///   send the request again by itself.
    mutating func append(_ bytes: UnsafeRawBufferPointer, mayBeSentAgain: Bool) -> Int? {
        isUntouched = false
        bytesRead += bytes.count
        if bytesRead > Self.limit { complaint = "the header of the response is longer than \(Self.limit >> 10) KiB" }
        var count = bytes.count
        while count > 0, bytes[count - 1] == 0x0D || bytes[count - 1] == 0x0A { count -= 1 }
        let line = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
        switch state {
        case .complete:
            return nil
        case .idle:
            guard let status = Self.status(in: line) else { return nil }
            fields = HeaderFields()
            // Enough for most.
            fields.reserveCapacity(16)
            tentativeStatus = nil
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

    /// Takes a tentative response for the final one, if there is one.
    mutating func acceptTentative() -> Int? {
        guard let tentativeStatus else { return nil }
        self.tentativeStatus = nil
        state = .complete
        return tentativeStatus
    }

    private mutating func endHeader(status: Int, mayBeSentAgain: Bool) -> Int? {
        complaint = complaint ?? Self.complaint(about: status, fields)
        if status < 200 {
            state = .idle
        } else if isAnsweredByLibcurl(status, mayBeSentAgain: mayBeSentAgain) {
            tentativeStatus = status
            state = .idle
        } else {
            state = .complete
            return status
        }
        return nil
    }

    private mutating func isAnsweredByLibcurl(_ status: Int, mayBeSentAgain: Bool) -> Bool {
        switch (status, digest) {
        // libcurl lets be a response that closes its connection.
        case (417, _) where expectsContinue && mayBeSentAgain && fields["connection"]?.lowercased() != "close":
            expectsContinue = false
            return true
        case (401, .awaitingChallenge) where challenge != nil:
            digest = .answered
            return true
        // The digest was right, but for what it was made of being too old (RFC 7616 §3.3).
        case (401, .answered):
            return challenge.map { $0.contains("stale=true") || $0.contains("stale=\"true\"") } ?? false
        // The server has not asked, but has got no body yet.
        case (..<300, .awaitingChallenge(sendsEmptyBody: true)):
            digest = .awaitingChallenge(sendsEmptyBody: false)
            return true
        default:
            return false
        }
    }

    /// What the server asks for a digest with, in lower case.
    private var challenge: String? {
        let challenges = fields.values(of: "www-authenticate").map { $0.lowercased() }
        return challenges.first { $0.contains("digest ") }
    }

    private mutating func appendField(_ line: UnsafeRawBufferPointer) {
        // A line folded (RFC 9112 §5.2).
        if let first = line.first, Self.isBlank(first) { return fields.extendLast(" " + Self.text(line)) }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        fields.append(
            Self.text(UnsafeRawBufferPointer(rebasing: line[..<colon])),
            Self.text(UnsafeRawBufferPointer(rebasing: line[(colon + 1)...])))
    }

    /// Without blanks around it, and with one for each CR within (RFC 9110 §5.5).
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        var (start, end) = (0, bytes.count)
        while start < end, isBlank(bytes[start]) { start += 1 }
        while start < end, isBlank(bytes[end - 1]) { end -= 1 }
        let bytes = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        guard bytes.contains(0x0D) else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes.map { $0 == 0x0D ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// The status of `HTTP/1.1 200 OK` or `HTTP/2 200`.
    private static func status(in line: UnsafeRawBufferPointer) -> Int? {
        guard line.starts(with: "HTTP/".utf8), let blank = line.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        let status = line[blank...].drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") }
        guard status.count == 3, status.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return status.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}

/// What libcurl lets pass, or not all of its versions refuse.
extension ResponseHeadReader {
    /// Bytes of all headers of one request, informational ones included, which libcurl from 8.3 on, and what
    /// distributions have made of older ones, has as its limit too.
    static let limit = 300 << 10

    /// Why a response with this head cannot be read; nil if it can.
    static func complaint(about status: Int, _ fields: HeaderFields) -> String? {
        // What comes behind is another protocol (RFC 9110 §15.2.2); libcurl would wait for its end.
        guard status != 101 else { return "the server switched protocols, status 101, without having been asked to" }
        // Several lengths, or none that is a number, say nothing of where the content ends (RFC 9112 §6.3);
        // libcurl takes the last one, and for one too big the end of the connection.
        let values = fields.values(of: "content-length")
        // What is usual first.
        if values.isEmpty || values.count == 1 && length(values[0][...]) != nil { return nil }
        let lengths = values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map(length)
        guard lengths.allSatisfy({ $0 != nil && $0 == lengths[0] }) else {
            return "the Content-Length of the response is malformed, or there are several"
        }
        return nil
    }

    private static func length(_ text: Substring) -> Int64? {
        let digits = text.drop { $0 == " " }
        return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(digits) : nil
    }
}
