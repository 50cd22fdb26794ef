internal import Platform

/// Writes the framing of a `multipart/form-data` message (RFC 7578): everything except the content of its parts.
///
/// A message consists of ``opening(of:)``, the content and ``partEnd`` for each part, followed by ``messageEnd``. Each
/// piece depends only on the boundary and its own part, so that a sender can start from the middle of a message.
public struct MultipartEncoder: Hashable, Sendable {
    /// The boundary of the message.
    public let boundary: Boundary

    /// Makes an encoder for one message.
    ///
    /// - Parameter boundary: default: a new random boundary.
    public init(boundary: Boundary = .random()) {
        self.boundary = boundary
    }

    /// Returns the bytes before a part's content: `--boundary`, the header lines and an empty line.
    ///
    /// `name` is written as UTF-8, `filename` as its bytes. Only LF, CR and `"` are escaped, as `%0A`, `%0D` and `%22`
    /// (WHATWG HTML, "multipart/form-data encoding algorithm").
    ///
    /// - Throws: ``MultipartError/Code/invalidBoundary`` if the boundary was received and has characters that RFC 2046 does
    ///   not allow; ``MultipartError/Code/invalidField`` if `name` or `filename` contains NUL, if the content type or
    ///   another field contains a control character, or if the name of another field is not a token or is
    ///   Content-Disposition.
    public func opening(of head: PartHead) throws(MultipartError) -> [UInt8] {
        guard boundary.mayBeSent else {
            throw MultipartError(.invalidBoundary, "the boundary has characters that RFC 2046 does not allow")
        }
        let isNoNUL = { (byte: UInt8) in byte != 0 }
        guard ASCII.all(of: head.name, satisfy: isNoNUL), head.filenameBytes?.allSatisfy(isNoNUL) ?? true else {
            throw MultipartError(.invalidField, "a part's name or filename holds a NUL")
        }
        var bytes: [UInt8] = []
        // Most headers fit.
        bytes.reserveCapacity(256)
        bytes.write("--")
        bytes.write(boundary.description)
        bytes.write("\r\nContent-Disposition: form-data; name=\"")
        write(escaping: Array(head.name.utf8), to: &bytes)
        if let filename = head.filenameBytes {
            bytes.write("\"; filename=\"")
            write(escaping: filename, to: &bytes)
        }
        bytes.write("\"\r\n")
        if let contentType = head.contentType {
            try write(HeaderField(name: "Content-Type", value: contentType), to: &bytes)
        }
        for field in head.otherFields {
            guard !ASCII.equalIgnoringCase(Array(field.name.utf8)[...], "content-disposition") else {
                throw MultipartError(.invalidField, "a part has a second Content-Disposition")
            }
            try write(field, to: &bytes)
        }
        bytes.write("\r\n")
        return bytes
    }

    /// The bytes after a part's content: CRLF, which belongs to the next delimiter.
    public static let partEnd: [UInt8] = [ASCII.cr, ASCII.lf]

    /// The bytes at the end of the message: the closing delimiter without its leading CRLF, which is ``partEnd``.
    public var messageEnd: [UInt8] { Array(("--" + boundary.description + "--\r\n").utf8) }

    /// Returns the number of bytes of ``opening(of:)`` and ``partEnd``.
    ///
    /// - Throws: the same errors as ``opening(of:)``.
    public func framingLength(of head: PartHead) throws(MultipartError) -> Int {
        try opening(of: head).count + Self.partEnd.count
    }

    /// The number of bytes of ``messageEnd``.
    public var messageEndLength: Int { boundary.description.utf8.count + "----\r\n".utf8.count }

    private func write(_ field: HeaderField, to output: inout [UInt8]) throws(MultipartError) {
        guard !field.name.isEmpty, ASCII.all(of: field.name, satisfy: ASCII.isTokenCharacter),
            ASCII.all(of: field.value, satisfy: { $0 >= 0x20 && $0 != 0x7F || $0 == UInt8(ascii: "\t") })
        else {
            throw MultipartError(.invalidField, "a part's field has a name or value that no header line can hold")
        }
        output.write(field.name)
        output.write(": ")
        output.write(field.value)
        output.write("\r\n")
    }

    private func write(escaping bytes: [UInt8], to output: inout [UInt8]) {
        var rest = bytes[...]
        while let special = rest.firstIndex(where: { $0 == ASCII.quote || $0 == ASCII.cr || $0 == ASCII.lf }) {
            output += rest[..<special]
            output.write(bytes[special] == ASCII.quote ? "%22" : bytes[special] == ASCII.cr ? "%0D" : "%0A")
            rest = rest[(special + 1)...]
        }
        output += rest
    }
}

extension [UInt8] {
    fileprivate mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { append(contentsOf: $0) }
    }
}
