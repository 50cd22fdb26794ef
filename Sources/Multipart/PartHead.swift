internal import Platform

/// What stands before the content of a part of `multipart/form-data` (RFC 7578 §4).
public struct PartHead: Hashable, Sendable {
    /// The `name` of the Content-Disposition: the form's field.
    public var name: String
    /// The `filename` of the Content-Disposition, or nil where the part is no file. What a client
    /// names is data, never a path: take the last component, if that, before touching a disk.
    public var filename: String? {
        get { filenameBytes.map { String(decoding: $0, as: UTF8.self) } }
        set { filenameBytes = newValue.map { Array($0.utf8) } }
    }
    /// The bytes of ``filename``, which need not be UTF-8.
    public var filenameBytes: [UInt8]?
    /// The Content-Type; nil stands for `text/plain` (RFC 7578 §4.4).
    public var contentType: String?
    /// Every other header line, in order. Most receivers ignore them (RFC 7578 §4.8).
    public var otherFields: [HeaderField]

    public init(
        name: String, filename: String? = nil, contentType: String? = nil, otherFields: [HeaderField] = []
    ) {
        self.name = name
        filenameBytes = filename.map { Array($0.utf8) }
        self.contentType = contentType
        self.otherFields = otherFields
    }
}

extension PartHead {
    /// Reads a header block: the lines of a part, each ended by CRLF, without the empty one.
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
                contentType = String(decoding: value, as: UTF8.self)
            } else {
                others.append(
                    HeaderField(
                        name: String(decoding: name, as: UTF8.self),
                        value: String(decoding: value, as: UTF8.self)
                    )
                )
            }
        }
        guard let disposition else {
            throw MultipartError(.missingContentDisposition, "a part has no Content-Disposition")
        }
        guard let name = Self.value("name", of: disposition) else {
            throw MultipartError(.malformedContentDisposition, "a part's Content-Disposition has no name")
        }
        self.init(name: String(decoding: name, as: UTF8.self), contentType: contentType, otherFields: others)
        filenameBytes = Self.value("filename", of: disposition)
    }

    private static func value(_ name: String, of disposition: ParameterizedValue) -> [UInt8]? {
        disposition[name].map(unescaped) ?? disposition[name + "*"].flatMap(extendedValue)
    }

    /// Splits a header block into fields. A line that begins with white space continues the one
    /// before it (RFC 5322 §2.2.3).
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

    /// Undoes WHATWG's escapes: `%22`, `%0D` and `%0A`, and no other.
    private static func unescaped(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(UInt8(ascii: "%")) else { return bytes }
        return PercentEncoding.decoded(bytes[...]) { $0 == ASCII.quote || $0 == ASCII.cr || $0 == ASCII.lf }
    }

    /// `filename*=UTF-8''…` (RFC 8187): forbidden in form-data (RFC 7578 §4.2) but written by
    /// some clients, for `name` too (aiohttp, requests with urllib3 before 1.25); read only
    /// where there is no plain one.
    private static func extendedValue(_ bytes: [UInt8]) -> [UInt8]? {
        let fields = bytes.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, ASCII.equalIgnoringCase(fields[0], "utf-8") else { return nil }
        return PercentEncoding.decoded(fields[2])
    }
}
