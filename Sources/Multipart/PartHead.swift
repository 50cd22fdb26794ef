internal import Platform

/// The header of a part of `multipart/form-data` (RFC 7578 §4).
public struct PartHead: Hashable, Sendable {
    /// The `name` parameter of Content-Disposition: the name of the form field. Bytes that are not UTF-8 are read as
    /// ISO 8859-1.
    public var name: String
    /// The `filename` parameter of Content-Disposition; nil if the part is not a file. Bytes that are not UTF-8 are
    /// read as ISO 8859-1.
    ///
    /// A receiver must not use it as a path, because the sender may choose anything.
    public var filename: String? {
        get { filenameBytes.map { String(fieldText: $0) } }
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
    /// The value without surrounding white space. Bytes that are not UTF-8 are read as ISO 8859-1.
    public var value: String

    /// Makes a field. Nothing is checked before ``MultipartEncoder/opening(of:)``.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

extension PartHead {
    /// Parses a header block: header lines, each ended by CRLF, without the empty line.
    init(parsing block: ArraySlice<UInt8>) throws(MultipartError) {
        var disposition: ParameterizedValue?
        var contentType: String?
        var others: [HeaderField] = []
        for (name, value) in try Self.fields(in: block) {
            if ASCII.equalIgnoringCase(name, "content-disposition") {
                guard disposition == nil, let parsed = ParameterizedValue(parsing: value),
                    parsed.isNamed("form-data")
                else {
                    throw MultipartError(
                        .malformedContentDisposition,
                        "a part's Content-Disposition is not one form-data with parameters"
                    )
                }
                disposition = parsed
            } else if contentType == nil, ASCII.equalIgnoringCase(name, "content-type") {
                contentType = String(fieldText: value)
            } else {
                others.append(
                    HeaderField(name: String(decoding: name, as: UTF8.self), value: String(fieldText: value)))
            }
        }
        guard let disposition else {
            throw MultipartError(.missingContentDisposition, "a part has no Content-Disposition")
        }
        guard let name = Self.value("name", of: disposition) else {
            throw MultipartError(.malformedContentDisposition, "a part's Content-Disposition has no name")
        }
        self.init(name: String(fieldText: name), contentType: contentType, otherFields: others)
        filenameBytes = Self.value("filename", of: disposition)
    }

    private static func value(_ name: String, of disposition: ParameterizedValue) -> [UInt8]? {
        disposition[name].map(unescaped) ?? disposition[name + "*"].flatMap(extendedValue)
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
                fields[fields.count - 1].value += [UInt8(ascii: " ")] + ASCII.trimmed(line)
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

    /// Decodes `filename*=UTF-8''…` (RFC 8187). RFC 7578 §4.2 forbids it, but aiohttp, and requests with urllib3
    /// before 1.25, write it, for `name` too. It is read only if there is no plain parameter.
    private static func extendedValue(_ bytes: [UInt8]) -> [UInt8]? {
        let fields = bytes.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, ASCII.equalIgnoringCase(fields[0], "utf-8") else { return nil }
        return PercentEncoding.decoded(fields[2])
    }
}
