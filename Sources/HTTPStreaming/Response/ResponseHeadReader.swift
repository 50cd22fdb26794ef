internal import Platform

/// Collects the head of the final response from the header lines that libcurl delivers, which include informational
/// responses (1xx) before it and trailer fields after it.
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
    /// The Location as a URI reference, if its bytes are not UTF-8: those that are not ASCII are percent-encoded.
    private(set) var encodedLocation: String?
    private var hasLocation = false
    /// The status of the last response, if libcurl may react to it by sending the request again. It is final if content
    /// follows, which libcurl delivers for final responses only.
    private(set) var tentativeStatus: Int?
    /// The status of the interim response whose head ended with the last line; nil if none did. ``fields`` are its own.
    private(set) var endedInterim: Int?
    /// Whether libcurl adds `Expect: 100-continue`; see ``Transfer``.
    private var expectsContinue: Bool
    private var digest: Digest

    /// The progress of digest authentication, which libcurl performs.
    enum Digest {
        /// Not used. Final.
        case none
        /// The request was sent without credentials; if `sendsEmptyBody`, without its body too.
        /// → `awaitingChallenge(sendsEmptyBody: false)`, `answered`
        case awaitingChallenge(sendsEmptyBody: Bool)
        /// The request was sent again with the digest.
        case answered
    }

    /// Whether the server may send interim responses about the progress of the upload.
    private let isResumable: Bool

    init(expectsContinue: Bool, digest: Digest = .none, isResumable: Bool = false) {
        self.isResumable = isResumable
        self.expectsContinue = expectsContinue
        self.digest = digest
    }

    /// Why the received bytes are not a valid response; nil if no fault was found.
    private(set) var complaint: String?
    private var bytesRead = 0
    private var interimCount = 0

    /// Whether no line has been received.
    private(set) var isUntouched = true

    /// Whether the next line is expected to be a status line.
    var isBetweenHeaders: Bool { if case .idle = state { true } else { false } }

    /// Processes one line with its CRLF. Returns the status if the line ends the final head.
    ///
    /// - Parameter mayBeSentAgain: whether the body has not been sent completely: only then may libcurl send the
    ///   request again by itself.
    mutating func append(_ bytes: UnsafeRawBufferPointer, mayBeSentAgain: Bool) -> Int? {
        isUntouched = false
        endedInterim = nil
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
            // Enough for most responses.
            fields.reserveCapacity(16)
            encodedLocation = nil
            hasLocation = false
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

    /// The error if the server closes the connection before the head is complete; libcurl reports success then.
    var endedTooEarly: ClientError {
        switch state {
        case .inHeader:
            ClientError(.connectionLost, "the connection was lost in the header of the response")
        case .idle, .complete:
            ClientError(.invalidResponse, "the server did not send an HTTP response")
        }
    }

    /// Treats a tentative response as the final one. Returns its status; nil if there is none.
    mutating func acceptTentative() -> Int? {
        guard let tentativeStatus else { return nil }
        self.tentativeStatus = nil
        state = .complete
        return tentativeStatus
    }

    private mutating func endHeader(status: Int, mayBeSentAgain: Bool) -> Int? {
        complaint = complaint ?? Self.complaint(about: status, fields)
        if status < 200 {
            endedInterim = status
            // The number of 104s grows with the length of an upload; the limit of all header bytes applies to them.
            if !isResumable || status != 104 { interimCount += 1 }
            if interimCount > Self.maximumInterimResponses {
                complaint = "the server sent more than \(Self.maximumInterimResponses) interim responses (1xx)"
            }
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
        // libcurl does not react to a response that closes its connection.
        case (417, _) where expectsContinue && mayBeSentAgain && fields["connection"]?.lowercased() != "close":
            expectsContinue = false
            return true
        case (401, .awaitingChallenge) where challenge != nil:
            digest = .answered
            return true
        // The digest was correct, but made from an expired nonce (RFC 7616 §3.3).
        case (401, .answered):
            return challenge.map { $0.contains("stale=true") || $0.contains("stale=\"true\"") } ?? false
        // The server sent no challenge: libcurl sends the request again with its body.
        case (..<300, .awaitingChallenge(sendsEmptyBody: true)):
            digest = .awaitingChallenge(sendsEmptyBody: false)
            return true
        default:
            return false
        }
    }

    /// The server's challenge for digest authentication, in lower case.
    private var challenge: String? {
        let challenges = fields.values(of: "www-authenticate").map { $0.lowercased() }
        return challenges.first { $0.contains("digest ") }
    }

    private mutating func appendField(_ line: UnsafeRawBufferPointer) {
        // A folded line (RFC 9112 §5.2).
        if let first = line.first, ASCII.isWhiteSpace(first) { return fields.extendLast(Self.text(line)) }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = Self.text(UnsafeRawBufferPointer(rebasing: line[..<colon]))
        let value = UnsafeRawBufferPointer(rebasing: line[(colon + 1)...])
        if !hasLocation, HeaderFields.isEqual(name, "location") {
            hasLocation = true
            if String(validating: value, as: UTF8.self) == nil {
                encodedLocation = PercentEncoding.encodedNonASCII(Self.trimmed(value))
            }
        }
        fields.append(name, Self.text(value))
    }

    /// The text without surrounding blanks. CR counts as one, and each CR within is replaced by a space (RFC 9110 §5.5).
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        let bytes = trimmed(bytes)
        guard bytes.contains(0x0D) else { return String(utf8OrLatin1: bytes) }
        return String(utf8OrLatin1: bytes.map { $0 == 0x0D ? UInt8(ascii: " ") : $0 })
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var (start, end) = (0, bytes.count)
        let isBlank = { (byte: UInt8) in ASCII.isWhiteSpace(byte) || byte == ASCII.cr }
        while start < end, isBlank(bytes[start]) { start += 1 }
        while start < end, isBlank(bytes[end - 1]) { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// The status of `HTTP/1.1 200 OK` or `HTTP/2 200`.
    private static func status(in line: UnsafeRawBufferPointer) -> Int? {
        guard line.starts(with: "HTTP/".utf8), let blank = line.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        let status = line[blank...].drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") }
        guard status.count == 3, status.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return status.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}

/// Checks that libcurl lacks, or that only some of its versions have.
extension ResponseHeadReader {
    /// The maximum number of header bytes for one request, including informational responses. libcurl has the same
    /// limit from 8.3 on, and in older versions patched by distributions.
    static let limit = 300 << 10

    /// The maximum number of informational responses to one request.
    static let maximumInterimResponses = 1000

    /// Why a response with this head is invalid; nil if it is valid.
    static func complaint(about status: Int, _ fields: HeaderFields) -> String? {
        // Bytes of another protocol would follow (RFC 9110 §15.2.2); libcurl would wait for their end.
        guard status != 101 else { return "the server switched protocols (status 101) without a request to do so" }
        // Different or malformed lengths make a response invalid (RFC 9112 §6.3). libcurl uses the last one, or, if it
        // is too large, reads to the end of the connection.
        let values = fields.values(of: "content-length")
        // The usual case first, for speed.
        if values.isEmpty || values.count == 1 && length(values[0][...]) != nil { return nil }
        let lengths = values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map(length)
        guard lengths.allSatisfy({ $0 != nil && $0 == lengths[0] }) else {
            return "the Content-Length of the response is malformed, or there are several different ones"
        }
        return nil
    }

    private static func length(_ text: Substring) -> Int64? {
        let digits = text.drop { $0 == " " }
        return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(digits) : nil
    }
}
