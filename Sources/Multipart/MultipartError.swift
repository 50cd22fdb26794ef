/// An error in writing or reading a multipart message.
///
/// Compare ``code`` in code, and show ``description`` to people.
public struct MultipartError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of an error. Later versions may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name of the code, such as `truncated`.
        public let description: String

        /// The media type is not `multipart/form-data`; for ``MultipartSequence``, not `multipart`.
        public static let notMultipart = Code(description: "notMultipart")
        /// A `multipart` type without its required `boundary` parameter (RFC 7578 §4.1).
        public static let missingBoundary = Code(description: "missingBoundary")
        /// The boundary does not have 1 to 70 allowed characters, or ends with a space, or there are several: see
        /// ``Boundary/init(_:)`` and ``Boundary/init(contentType:)``.
        public static let invalidBoundary = Code(description: "invalidBoundary")
        /// A part cannot be written: the name of a field is not a token or is Content-Disposition, the value of a field
        /// contains a control character, or the part's name or filename contains NUL.
        public static let invalidField = Code(description: "invalidField")
        /// A delimiter is followed by white space and then by something other than CRLF.
        public static let malformedDelimiter = Code(description: "malformedDelimiter")
        /// A header line of a part is not `name: value` ended by CRLF.
        public static let malformedHeaderLine = Code(description: "malformedHeaderLine")
        /// A part has no Content-Disposition, which every part needs (RFC 7578 §4.2).
        public static let missingContentDisposition = Code(description: "missingContentDisposition")
        /// A Content-Disposition is not `form-data` with a `name`, or has a `name` or `filename` twice (RFC 7578 §4.2).
        public static let malformedContentDisposition = Code(description: "malformedContentDisposition")
        /// A `filename*` or `name*` has a charset other than UTF-8 and ISO-8859-1 (RFC 8187 §3.2), or a parameter is split
        /// into several, such as `filename*0` (RFC 2231 §3).
        public static let unsupportedParameter = Code(description: "unsupportedParameter")
        /// The header of one part has more bytes than ``MultipartParser/Limits/headerBytes``.
        public static let headerTooLarge = Code(description: "headerTooLarge")
        /// The header of one part has more lines than ``MultipartParser/Limits/headerLines``.
        public static let tooManyHeaderLines = Code(description: "tooManyHeaderLines")
        /// There are more parts than ``MultipartParser/Limits/parts``.
        public static let tooManyParts = Code(description: "tooManyParts")
        /// There are more bytes than ``MultipartParser/Limits/preambleBytes`` before the first delimiter.
        public static let preambleTooLarge = Code(description: "preambleTooLarge")
        /// There are more bytes than ``MultipartParser/Limits/epilogueBytes`` after the closing delimiter.
        public static let epilogueTooLarge = Code(description: "epilogueTooLarge")
        /// The input ended before the closing delimiter.
        public static let truncated = Code(description: "truncated")
        /// Content that was to be kept in memory is longer than the limit that the caller gave.
        public static let contentTooLarge = Code(description: "contentTooLarge")
        /// Content that was to be read as text is not UTF-8.
        public static let invalidText = Code(description: "invalidText")
        /// A part's content was read after the next part had been asked for.
        public static let partPassed = Code(description: "partPassed")
        /// A message was read by two tasks at the same time.
        public static let concurrentRead = Code(description: "concurrentRead")
        /// The content of a part that was to be sent is not as long as announced.
        public static let lengthMismatch = Code(description: "lengthMismatch")
    }

    /// The kind of the error.
    public let code: Code
    /// A description in one line. It does not contain values of fields.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The same as ``message``.
    public var description: String { message }
}
