/// An error in decoding content or in making an encoder or decoder.
///
/// Compare ``code`` in code, and show ``description`` to people.
public struct CodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of an error. Later versions may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case corrupt, truncated, trailingData, sizeLimit, ratioLimit, outOfMemory
        }

        private let name: Name

        /// The name of the code, such as `truncated`.
        public var description: String { name.rawValue }

        /// The data does not have the format of its coding, or its checksum is wrong.
        public static let corrupt = Code(name: .corrupt)
        /// The data ends before the end of the stream.
        public static let truncated = Code(name: .truncated)
        /// More data follows after the end of the stream.
        public static let trailingData = Code(name: .trailingData)
        /// The decoded content is longer than ``DecodingLimits/size``.
        public static let sizeLimit = Code(name: .sizeLimit)
        /// The ratio of the lengths of decoded content and data exceeds ``DecodingLimits/ratio``.
        public static let ratioLimit = Code(name: .ratioLimit)
        /// zlib could not allocate memory: about 40 KiB for a decoder, 270 KiB for an encoder.
        public static let outOfMemory = Code(name: .outOfMemory)
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
