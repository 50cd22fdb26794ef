internal import Platform

/// The header of a part of `multipart/form-data` (RFC 7578 §4), or of another multipart message (RFC 2046 §5.1).
public struct PartHead: Hashable, Sendable {
    /// The `name` parameter of Content-Disposition: the name of the form field. If it is received and not UTF-8, it is read
    /// as Latin-1. Empty if the part of another message than a form has none.
    public var name: String
    /// The `filename` parameter of Content-Disposition; nil if the part is not a file. If it is not UTF-8, it is read as
    /// Latin-1.
    ///
    /// A receiver must not use it as a path, because the sender may choose anything.
    public var filename: String? {
        get { filenameBytes.map { String(utf8OrLatin1: $0) } }
        set { filenameBytes = newValue.map { Array($0.utf8) } }
    }
    /// The bytes of ``filename``, which need not be UTF-8.
    public var filenameBytes: [UInt8]?
    /// The value of Content-Type; nil means `text/plain` (RFC 7578 §4.4).
    public var contentType: String?
    /// All other header fields, in order. Most receivers ignore them (RFC 7578 §4.8).
    public var otherFields: [HeaderField]

    /// Makes a header. Nothing is checked before ``MultipartEncoder/opening(of:)``.
    public init(
        name: String, filename: String? = nil, contentType: String? = nil, otherFields: [HeaderField] = []
    ) {
        self.name = name
        filenameBytes = filename.map { Array($0.utf8) }
        self.contentType = contentType
        self.otherFields = otherFields
    }
}

/// A header field of a part.
public struct HeaderField: Hashable, Sendable {
    /// The name as written. Names of fields are case-insensitive (RFC 9110 §5.1).
    public var name: String
    /// The value without surrounding white space. If it is received and not UTF-8, it is read as Latin-1.
    public var value: String

    /// Makes a field. Nothing is checked before ``MultipartEncoder/opening(of:)``.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// A field as it was received; the name is a token.
    fileprivate init(receivedName name: ArraySlice<UInt8>, value: [UInt8]) {
        self.init(name: String(decoding: name, as: UTF8.self), value: String(utf8OrLatin1: value))
    }
}

extension PartHead {
    /// Parses a header block: header lines, each ended by CRLF, without the empty line.
    ///
    /// - Parameter isFormData: false if a part needs no Content-Disposition and no name, as in `multipart/mixed`. A
    ///   Content-Disposition then is one of ``otherFields`` too, because its type may be any.
    init(parsing block: ArraySlice<UInt8>, isFormData: Bool = true) throws(MultipartError) {
        var disposition: ParameterizedValue?
        var contentType: String?
        var others: [HeaderField] = []
        for (name, value) in try Self.fields(in: block) {
            if ASCII.equalIgnoringCase(name, "content-disposition") {
                guard disposition == nil, let parsed = ParameterizedValue(parsing: value),
                    !isFormData || parsed.isNamed("form-data")
                else {
                    throw MultipartError(
                        .malformedContentDisposition,
                        "a part's Content-Disposition is not one \(isFormData ? "form-data" : "type") with parameters"
                    )
                }
                disposition = parsed
                if !isFormData { others.append(HeaderField(receivedName: name, value: value)) }
            } else if contentType == nil, ASCII.equalIgnoringCase(name, "content-type") {
                contentType = String(utf8OrLatin1: value)
            } else {
                others.append(HeaderField(receivedName: name, value: value))
            }
        }
        guard disposition != nil || !isFormData else {
            throw MultipartError(.missingContentDisposition, "a part has no Content-Disposition")
        }
        let name = try disposition.flatMap { disposition throws(MultipartError) in
            try Self.value("name", of: disposition)
        }
        guard name != nil || !isFormData else {
            throw MultipartError(.malformedContentDisposition, "a part's Content-Disposition has no name")
        }
        self.init(name: String(utf8OrLatin1: name ?? []), contentType: contentType, otherFields: others)
        filenameBytes = try disposition.flatMap { disposition throws(MultipartError) in
            try Self.value("filename", of: disposition)
        }
    }

    /// The value of a parameter. RFC 6266 §4.3: `filename*` has priority over `filename`, which may be a replacement in
    /// ASCII. RFC 7578 §4.2 forbids `filename*`, but .NET writes both, and requests with urllib3 before 1.25 writes it
    /// alone. aiohttp writes `name*`.
    ///
    /// - Throws: if the value cannot be decoded. Without its filename, a file would count as a field.
    private static func value(
        _ name: String, of disposition: ParameterizedValue
    ) throws(MultipartError) -> [UInt8]? {
        guard !disposition.repeats(name), !disposition.repeats(name + "*") else {
            throw MultipartError(.malformedContentDisposition, "a part's Content-Disposition has several \(name)s")
        }
        let plain = disposition[name].map(unescaped)
        for parameter in disposition.parameters
        where ASCII.equalIgnoringCase(parameter.name.prefix(name.utf8.count + 1), name + "*") {
            guard parameter.name.count == name.utf8.count + 1 else {
                throw MultipartError(.unsupportedParameter, "a part's \(name) is split into several parameters")
            }
        }
        guard let extended = disposition[name + "*"] else { return plain }
        guard let value = try extendedValue(extended) ?? plain else {
            throw MultipartError(.malformedContentDisposition, "a part's \(name)* is not a charset, '', and a value")
        }
        return value
    }

    /// Splits a header block into fields. A line that begins with white space continues the previous line
    /// (RFC 5322 §2.2.3).
    private static func fields(
        in block: ArraySlice<UInt8>
    ) throws(MultipartError) -> [(name: ArraySlice<UInt8>, value: [UInt8])] {
        var fields: [(name: ArraySlice<UInt8>, value: [UInt8])] = []
        var rest = block
        while let end = rest.firstIndex(of: ASCII.lf) {
            let line = rest[..<(end - 1)]
            rest = rest[(end + 1)...]
            guard !line.contains(ASCII.cr), !line.contains(0) else {
                throw MultipartError(.malformedHeaderLine, "a header line of a part holds a CR or NUL")
            }
            if let first = line.first, ASCII.isWhiteSpace(first), !fields.isEmpty {
                let more = ASCII.trimmed(line)
                // No white space surrounds a value.
                if !more.isEmpty, !fields[fields.count - 1].value.isEmpty {
                    fields[fields.count - 1].value.append(0x20)
                }
                fields[fields.count - 1].value += more
                continue
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(ASCII.isTokenCharacter)
            else {
                throw MultipartError(.malformedHeaderLine, "a header line of a part is not a name, a colon and a value")
            }
            fields.append((line[..<colon], Array(ASCII.trimmed(line[(colon + 1)...]))))
        }
        return fields
    }

    /// Decodes the escapes that WHATWG HTML defines: `%22`, `%0D` and `%0A`.
    private static func unescaped(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(UInt8(ascii: "%")) else { return bytes }
        return PercentEncoding.decoded(bytes[...]) { $0 == ASCII.quote || $0 == ASCII.cr || $0 == ASCII.lf }
    }

    /// Decodes `UTF-8''…` or `ISO-8859-1''…` (RFC 8187 §3.2) into UTF-8.
    ///
    /// - Returns: nil if the value has no charset.
    private static func extendedValue(_ bytes: [UInt8]) throws(MultipartError) -> [UInt8]? {
        let fields = bytes.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { return nil }
        let value = PercentEncoding.decoded(fields[2])
        if ASCII.equalIgnoringCase(fields[0], "utf-8") { return value }
        guard ASCII.equalIgnoringCase(fields[0], "iso-8859-1") else {
            throw MultipartError(
                .unsupportedParameter, "a part's name or filename has a charset other than UTF-8 and ISO-8859-1")
        }
        return Array(String(latin1: value).utf8)
    }
}
