internal import Platform

/// The text that separates the parts of one multipart message (RFC 2046 §5.1.1).
public struct Boundary: Hashable, Sendable, CustomStringConvertible {
    /// The boundary as it stands in the `boundary` parameter, without the leading `--`.
    public let description: String

    /// Takes a boundary made elsewhere.
    ///
    /// - Throws: ``MultipartError/Code/invalidBoundary`` unless it is 1 to 70 characters of
    ///   RFC 2046's set (letters, digits, `'()+_,-./:=?` and, not at the end, space).
    public init(_ text: some StringProtocol) throws(MultipartError) {
        guard (1...70).contains(text.utf8.count), !text.hasSuffix(" "),
            text.utf8.allSatisfy({ $0 == UInt8(ascii: " ") || ASCII.isBoundaryCharacter($0) })
        else {
            throw MultipartError(
                .invalidBoundary,
                "the boundary is not 1 to 70 of the characters that RFC 2046 allows"
            )
        }
        description = String(text)
    }

    /// The boundary named by a request's `Content-Type` field.
    ///
    /// - Throws: ``MultipartError/Code/notMultipart``, ``MultipartError/Code/missingBoundary``
    ///   or ``MultipartError/Code/invalidBoundary``.
    public init(contentType: some StringProtocol) throws(MultipartError) {
        let value = ParameterizedValue(parsing: Array(contentType.utf8))
        guard let value, value.isNamed("multipart/form-data") else {
            throw MultipartError(.notMultipart, "the Content-Type is not multipart/form-data")
        }
        guard let boundary = value["boundary"] else {
            throw MultipartError(.missingBoundary, "the Content-Type multipart/form-data has no boundary")
        }
        try self.init(String(decoding: boundary, as: UTF8.self))
    }

    /// A new boundary of 168 random bits from the system's generator.
    ///
    /// A boundary that can be guessed lets the content of a file forge parts (CVE-2025-7783,
    /// CVE-2025-22150): hence never a seeded generator, a counter or a clock.
    public static func random() -> Boundary {
        var generator = SystemRandomNumberGenerator()
        let text = String(unsafeUninitializedCapacity: 28) { bytes in
            var bits: UInt64 = 0
            for index in 0..<28 {
                // 64 bits at a time, for ten characters: each time asks the kernel.
                if index % 10 == 0 { bits = generator.next() }
                bytes[index] = ASCII.base64URL[Int(bits & 63)]
                bits >>= 6
            }
            return 28
        }
        return Boundary(trusted: text)
    }

    private init(trusted text: String) { description = text }

    /// The value of the `Content-Type` field of a message with this boundary; the boundary is
    /// quoted when it holds anything outside of a token (RFC 2045 §5.1).
    public var contentType: String {
        let isToken = ASCII.all(of: description, satisfy: ASCII.isTokenCharacter)
        return "multipart/form-data; boundary=" + (isToken ? description : "\"\(description)\"")
    }
}
