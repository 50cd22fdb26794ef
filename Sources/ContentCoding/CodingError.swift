/// An error in decoding content or in making an encoder or decoder.
///
/// Compare ``code`` in code, and show ``description`` to people.
public struct CodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of an error. Later versions may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name of the code, such as `truncated`.
        public let description: String

        /// The data does not have the format of its coding, or its checksum is wrong.
        public static let corrupt = Code(description: "corrupt")
        /// The data ends before the end of the stream.
        public static let truncated = Code(description: "truncated")
        /// More data follows after the end of the stream.
        public static let trailingData = Code(description: "trailingData")
        /// The decoded content is longer than ``DecodingLimits/size``.
        public static let sizeLimit = Code(description: "sizeLimit")
        /// The ratio of the lengths of decoded content and data exceeds ``DecodingLimits/ratio``.
        public static let ratioLimit = Code(description: "ratioLimit")
        /// zlib could not allocate memory: about 40 KiB for a decoder, 270 KiB for an encoder.
        public static let outOfMemory = Code(description: "outOfMemory")
    }

    /// The kind of the error.
    public let code: Code
    /// A description in one line.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The same as ``message``.
    public var description: String { message }
}
