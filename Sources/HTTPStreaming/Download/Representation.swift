internal import Platform

/// What is known of the file that a `GET` receives, as far as it decides whether a later response is about the same
/// bytes.
struct Representation: Equatable, Sendable {
    /// What the client asks for the rest with. A server that has other bytes by then sends the whole file.
    enum Validator: Equatable, Sendable {
        /// A strong entity tag, with its quotes (RFC 9110 §8.8.3).
        case tag(String)
        /// The value of Last-Modified, where that is a strong validator.
        case date(String)

        /// The value of If-Range (RFC 9110 §13.1.5).
        var value: String {
            switch self {
            case .tag(let value), .date(let value): value
            }
        }
    }

    /// The URL that the file was received from, after redirects. A validator means nothing at another one.
    let url: String
    /// Nil if the server gave none that is strong: then the rest cannot be asked for.
    let validator: Validator?
    /// The content coding, as the server wrote it; nil for none.
    let coding: String?
    /// The length in bytes, coded; nil while it is not known.
    var length: Int64?

    init(url: String, validator: Validator?, coding: String? = nil, length: Int64?) {
        (self.url, self.validator, self.coding, self.length) = (url, validator, coding, length)
    }

    /// What the head of a response with status 200 says.
    init(url: String, _ fields: HeaderFields) {
        self.url = url
        validator = Self.validator(fields)
        coding = fields["Content-Encoding"]
        // Content-Length counts nothing else than the content, unless the message is chunked (RFC 9112 §6.2).
        length = fields["Transfer-Encoding"] == nil ? fields["Content-Length"].flatMap { Int64($0) } : nil
    }
}

extension Representation {
    /// How much older than the response Last-Modified must be, in seconds.
    ///
    /// RFC 9110 §8.8.2.2 asks for one second if both times are by the same clock, which a client cannot know: the file may be
    /// on another machine. Its predecessor (RFC 7232 §2.2.2) named a minute, which covers clocks that differ a little.
    private static let leastAge = 60

    private static func validator(_ fields: HeaderFields) -> Validator? {
        let tags = fields.values(of: "ETag")
        // With an entity tag, however weak, the date must not be used (RFC 9110 §13.1.5).
        guard tags.isEmpty else { return tags.count == 1 ? strongTag(tags[0]) : nil }
        let now = Timestamp.now
        guard let text = fields["Last-Modified"], let modified = Timestamp(httpDate: text, now: now),
            let date = fields["Date"].flatMap({ Timestamp(httpDate: $0, now: now) }),
            date.seconds - modified.seconds >= leastAge
        else { return nil }
        return .date(text)
    }

    private static func strongTag(_ value: String) -> Validator? {
        let characters = value.utf8.dropFirst().dropLast()
        guard value.utf8.count >= 2, value.utf8.first == UInt8(ascii: "\""), value.utf8.last == UInt8(ascii: "\""),
            characters.allSatisfy({ $0 == 0x21 || $0 >= 0x23 && $0 != 0x7F })
        else { return nil }
        return .tag(value)
    }

    /// The fields that ask for the bytes from `offset` on, if the file is still the same; nil if that cannot be asked for.
    func fields(from offset: Int64) -> HeaderFields? {
        guard let validator, offset > 0, offset < length ?? .max else { return nil }
        return ["Range": "bytes=\(offset)-", "If-Range": validator.value]
    }
}

// MARK: The answer

extension Representation {
    /// What follows from the answer to a request for the rest.
    enum Answer: Equatable {
        /// The content begins at the offset that was asked for, and ends before `end`.
        case rest(end: Int64, length: Int64)
        /// The content is a whole file, perhaps another one.
        case whole
        /// The content is of no use: the whole file must be asked for.
        case useless
        /// The status is the result.
        case failure
    }

    /// Judges the answer to a request for the bytes from `offset` on.
    func answer(status: Int, _ fields: HeaderFields, from url: String, offset: Int64) -> Answer {
        switch status {
        // 203: a proxy has changed it.
        case 200, 203: return .whole
        case 206:
            guard let range = fields["Content-Range"].flatMap({ ContentRange($0) }), let bytes = range.bytes,
                bytes.lowerBound == offset, let length = range.length, length == self.length ?? length,
                Self.isSameResource(url, self.url), hasValidator(of: fields),
                // A server need not repeat it (RFC 9110 §15.3.7).
                fields["Content-Encoding"].map({ $0.lowercased() == coding?.lowercased() }) ?? true,
                fields["Content-Length"].map({ Int64($0) == Int64(bytes.count) }) ?? true
            else { return .useless }
            return .rest(end: bytes.upperBound, length: length)
        case 416: return .useless
        default: return .failure
        }
    }

    /// A 206 must have the fields that identify the file (RFC 9110 §15.3.7): a server that does not know If-Range would
    /// send a part of another file.
    private func hasValidator(of fields: HeaderFields) -> Bool {
        switch validator {
        case .tag(let value): fields.values(of: "ETag") == [value]
        case .date(let value): fields.values(of: "ETag").isEmpty && fields["Last-Modified"] == value
        case nil: false
        }
    }

    /// Queries are ignored: a storage that is redirected to has another signature there each time.
    private static func isSameResource(_ url: String, _ other: String) -> Bool {
        let withoutQuery = { (url: String) in url.prefix { $0 != "?" && $0 != "#" } }
        return withoutQuery(url) == withoutQuery(other)
    }
}
