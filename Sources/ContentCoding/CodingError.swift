/// Why content cannot be decoded, or a coder not be made.
public struct CodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong. More codes may be added; compare, do not enumerate.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case corrupt, truncated, trailingData, sizeLimit, ratioLimit, outOfMemory
        }

        private let name: Name

        public var description: String { name.rawValue }

        /// The data is not what its coding says, or its checksum is wrong.
        public static let corrupt = Code(name: .corrupt)
        /// The data ends before the coding's own end.
        public static let truncated = Code(name: .truncated)
        /// More data follows behind the coding's own end.
        public static let trailingData = Code(name: .trailingData)
        /// The decoded content is longer than ``DecodingLimits/size``.
        public static let sizeLimit = Code(name: .sizeLimit)
        /// The decoded content is more times longer than the data than ``DecodingLimits/ratio``.
        public static let ratioLimit = Code(name: .ratioLimit)
        /// zlib got no memory: some 40 KiB for a decoder, 270 KiB for an encoder.
        public static let outOfMemory = Code(name: .outOfMemory)
    }

    public let code: Code
    /// The particulars, in one line.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
