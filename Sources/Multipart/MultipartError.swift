/// Why a multipart message could not be written or read.
///
/// Compare ``code``; print ``description``, one line for people.
public struct MultipartError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong. More codes may be added; compare, do not enumerate.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case notMultipart, missingBoundary, invalidBoundary, invalidField
            case malformedDelimiter, malformedHeaderLine
            case missingContentDisposition, malformedContentDisposition
            case headerTooLarge, tooManyHeaderLines, tooManyParts
            case preambleTooLarge, epilogueTooLarge, truncated
        }

        private let name: Name

        public var description: String { name.rawValue }

        /// The media type is not `multipart/form-data`.
        public static let notMultipart = Code(name: .notMultipart)
        /// `multipart/form-data` without its required `boundary` parameter (RFC 7578 §4.1).
        public static let missingBoundary = Code(name: .missingBoundary)
        /// Not 1 to 70 characters of RFC 2046's set, or a space at the end (RFC 2046 §5.1.1).
        public static let invalidBoundary = Code(name: .invalidBoundary)
        /// A field to be written has a name that is no token, a control character in its value, or
        /// is a second Content-Disposition; or a part's name or filename holds a NUL.
        public static let invalidField = Code(name: .invalidField)
        /// A delimiter is followed by white space and then by something other than CRLF.
        public static let malformedDelimiter = Code(name: .malformedDelimiter)
        /// A header line of a part is not `name: value` ended by CRLF.
        public static let malformedHeaderLine = Code(name: .malformedHeaderLine)
        /// A part has no Content-Disposition, which every part needs (RFC 7578 §4.2).
        public static let missingContentDisposition = Code(name: .missingContentDisposition)
        /// A Content-Disposition is not `form-data` with a `name` (RFC 7578 §4.2).
        public static let malformedContentDisposition = Code(name: .malformedContentDisposition)
        /// The header of one part has more bytes than ``MultipartParser/Limits/headerBytes``.
        public static let headerTooLarge = Code(name: .headerTooLarge)
        /// The header of one part has more lines than ``MultipartParser/Limits/headerLines``.
        public static let tooManyHeaderLines = Code(name: .tooManyHeaderLines)
        /// There are more parts than ``MultipartParser/Limits/parts``.
        public static let tooManyParts = Code(name: .tooManyParts)
        /// More than ``MultipartParser/Limits/preambleBytes`` come before the first delimiter.
        public static let preambleTooLarge = Code(name: .preambleTooLarge)
        /// More than ``MultipartParser/Limits/epilogueBytes`` come after the closing delimiter.
        public static let epilogueTooLarge = Code(name: .epilogueTooLarge)
        /// The input ended before the closing delimiter.
        public static let truncated = Code(name: .truncated)
    }

    public let code: Code
    /// The particulars, in words; never a field's value.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
