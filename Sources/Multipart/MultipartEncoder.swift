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
    /// - Throws: ``MultipartError/Code/invalidField`` if `name` or `filename` contains NUL, if the content type or
    ///   another field contains a control character, or if the name of another field is not a token or is
    ///   Content-Disposition.
    public func opening(of head: PartHead) throws(MultipartError) -> [UInt8] {
        var bytes: [UInt8] = []
        // Most headers fit.
        bytes.reserveCapacity(256)
        try write(head, to: &bytes)
        return bytes
    }

    /// The bytes after a part's content: CRLF, which belongs to the next delimiter.
    public static let partEnd: [UInt8] = [ASCII.cr, ASCII.lf]

    /// The bytes at the end of the message: the closing delimiter without its leading CRLF, which is ``partEnd``.
    public var messageEnd: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(messageEndLength)
        writeEnd(to: &bytes)
        return bytes
    }

    /// Returns the number of bytes of ``opening(of:)`` and ``partEnd``.
    ///
    /// - Throws: the same errors as ``opening(of:)``.
    public func framingLength(of head: PartHead) throws(MultipartError) -> Int {
        var count = ByteCount()
        try write(head, to: &count)
        return count.bytes + Self.partEnd.count
    }

    /// The number of bytes of ``messageEnd``.
    public var messageEndLength: Int {
        var count = ByteCount()
        writeEnd(to: &count)
        return count.bytes
    }

    // These two functions define the framing. The sink either stores the text or counts its bytes.

    private func write(_ head: PartHead, to sink: inout some FramingSink) throws(MultipartError) {
        let isNoNUL = { (byte: UInt8) in byte != 0 }
        guard ASCII.all(of: head.name, satisfy: isNoNUL), head.filenameBytes?.allSatisfy(isNoNUL) ?? true else {
            throw MultipartError(.invalidField, "a part's name or filename holds a NUL")
        }
        writeDelimiter(to: &sink)
        sink.write("\r\nContent-Disposition: form-data; name=\"")
        write(escaping: Array(head.name.utf8), to: &sink)
        if let filename = head.filenameBytes {
            sink.write("\"; filename=\"")
            write(escaping: filename, to: &sink)
        }
        sink.write("\"\r\n")
        if let contentType = head.contentType {
            try write(HeaderField(name: "Content-Type", value: contentType), to: &sink)
        }
        for field in head.otherFields {
            guard !ASCII.equalIgnoringCase(field.name.utf8, "content-disposition") else {
                throw MultipartError(.invalidField, "a part has a second Content-Disposition")
            }
            try write(field, to: &sink)
        }
        sink.write("\r\n")
    }

    private func writeEnd(to sink: inout some FramingSink) {
        writeDelimiter(to: &sink)
        sink.write("--\r\n")
    }

    private func writeDelimiter(to sink: inout some FramingSink) {
        sink.write("--")
        sink.write(boundary.description)
    }

    private func write(_ field: HeaderField, to sink: inout some FramingSink) throws(MultipartError) {
        guard !field.name.isEmpty, ASCII.all(of: field.name, satisfy: ASCII.isTokenCharacter),
            ASCII.all(of: field.value, satisfy: { $0 >= 0x20 && $0 != 0x7F || $0 == UInt8(ascii: "\t") })
        else {
            throw MultipartError(.invalidField, "a part's field has a name or value that no header line can hold")
        }
        sink.write(field.name)
        sink.write(": ")
        sink.write(field.value)
        sink.write("\r\n")
    }

    private func write(escaping bytes: [UInt8], to sink: inout some FramingSink) {
        var rest = bytes[...]
        while let special = rest.firstIndex(where: { $0 == ASCII.quote || $0 == ASCII.cr || $0 == ASCII.lf }) {
            sink.write(rest[..<special])
            sink.write(bytes[special] == ASCII.quote ? "%22" : bytes[special] == ASCII.cr ? "%0D" : "%0A")
            rest = rest[(special + 1)...]
        }
        sink.write(rest)
    }
}

/// The destination of framing: an array, which stores it, or a ``ByteCount``.
private protocol FramingSink {
    mutating func write(_ text: String)
    mutating func write(_ bytes: ArraySlice<UInt8>)
}

extension [UInt8]: FramingSink {
    fileprivate mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { append(contentsOf: $0) }
    }

    fileprivate mutating func write(_ bytes: ArraySlice<UInt8>) { append(contentsOf: bytes) }
}

private struct ByteCount: FramingSink {
    var bytes = 0
    mutating func write(_ text: String) { bytes += text.utf8.count }
    mutating func write(_ slice: ArraySlice<UInt8>) { bytes += slice.count }
}
