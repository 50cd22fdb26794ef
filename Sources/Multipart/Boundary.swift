internal import Platform

/// The text that separates the parts of a multipart message (RFC 2046 §5.1.1).
public struct Boundary: Hashable, Sendable, CustomStringConvertible {
    /// The boundary as in the `boundary` parameter, without the leading `--`.
    public let description: String

    /// Makes a boundary from its text.
    ///
    /// - Throws: ``MultipartError/Code/invalidBoundary`` unless the text has 1 to 70 characters: letters, digits,
    ///   `'()+_,-./:=?`, and spaces, but not at the end (RFC 2046 §5.1.1).
    public init(_ text: some StringProtocol) throws(MultipartError) {
        guard (1...70).contains(text.utf8.count), !text.hasSuffix(" "), Self.conforms(text) else {
            throw MultipartError(
                .invalidBoundary,
                "the boundary is not 1 to 70 of the characters that RFC 2046 allows"
            )
        }
        description = String(text)
    }

    /// Whether a message with this boundary may be sent: a received one may have other characters.
    var mayBeSent: Bool { Self.conforms(description) }

    /// Whether all characters are in the set of RFC 2046 §5.1.1.
    private static func conforms(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { $0 == UInt8(ascii: " ") || ASCII.isBoundaryCharacter($0) }
    }

    /// Reads the boundary from the value of a Content-Type field.
    ///
    /// Accepts more than ``init(_:)``, because many clients write other characters: 1 to 70 visible characters of ASCII
    /// and spaces, but no `"`, which ends the parameter, and no space at the end. `;` must be quoted. This makes nothing
    /// ambiguous: a delimiter ends at its line end, which no boundary contains, and a message whose boundary was read
    /// otherwise than its sender meant contains no delimiter, which is an error.
    ///
    /// - Throws: ``MultipartError/Code/notMultipart``, ``MultipartError/Code/missingBoundary``
    ///   or ``MultipartError/Code/invalidBoundary``.
    public init(contentType: some StringProtocol) throws(MultipartError) {
        let type = ParameterizedValue(parsing: Array(contentType.utf8))
        guard let type, type.isNamed("multipart/form-data") else {
            throw MultipartError(.notMultipart, "the Content-Type is not multipart/form-data")
        }
        try self.init(of: type)
    }

    /// Reads the boundary from a Content-Type whose type is `multipart`.
    init(of type: ParameterizedValue) throws(MultipartError) {
        guard let boundary = type["boundary"] else {
            throw MultipartError(.missingBoundary, "the multipart Content-Type has no boundary")
        }
        guard !type.repeats("boundary") else {
            throw MultipartError(.invalidBoundary, "the Content-Type has several boundaries")
        }
        let isValid = boundary.allSatisfy { (0x20...0x7E).contains($0) && $0 != ASCII.quote }
        guard (1...70).contains(boundary.count), boundary.last != UInt8(ascii: " "), isValid else {
            throw MultipartError(
                .invalidBoundary, "the boundary is not 1 to 70 visible ASCII characters, without quotation marks")
        }
        description = String(decoding: boundary, as: UTF8.self)
    }

    /// Returns a new boundary with 168 bits from the system's random number generator.
    ///
    /// If a boundary can be guessed, the content of a file can forge parts (CVE-2025-7783, CVE-2025-22150). A seeded
    /// generator, a counter or a clock would be guessable.
    public static func random() -> Boundary {
        var generator = SystemRandomNumberGenerator()
        let text = String(unsafeUninitializedCapacity: 28) { bytes in
            var bits: UInt64 = 0
            for index in 0..<28 {
                // One call of the kernel gives 64 bits, enough for ten characters.
                if index % 10 == 0 { bits = generator.next() }
                bytes[index] = ASCII.base64URL[Int(bits & 63)]
                bits >>= 6
            }
            return 28
        }
        return Boundary(trusted: text)
    }

    private init(trusted text: String) { description = text }

    /// The value of the Content-Type field of a message with this boundary. The boundary is quoted unless it is a token
    /// (RFC 2045 §5.1).
    public var contentType: String {
        let isToken = ASCII.all(of: description, satisfy: ASCII.isTokenCharacter)
        // Only a received boundary contains a backslash.
        let escaped = description.replacing("\\", with: "\\\\")
        return "multipart/form-data; boundary=" + (isToken ? description : "\"\(escaped)\"")
    }
}
