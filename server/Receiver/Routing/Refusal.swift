import ContentCoding
public import HTTPTypes
import Multipart

/// Why a request is answered with an error.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The class of what went wrong, which settles the status. More codes may be added; compare,
    /// do not enumerate.
    public struct Code: Hashable, Sendable {
        public let status: HTTPResponse.Status
        /// One word, for metrics.
        public let cause: String

        /// Not valid, or incomplete.
        public static let malformed = Code(status: .badRequest, cause: "malformed")
        /// Writing takes a token, and this is not the one.
        public static let unauthorized = Code(status: .unauthorized, cause: "unauthorized")
        /// Not from where it comes.
        public static let forbidden = Code(status: .forbidden, cause: "forbidden")
        /// Under a name that is not this server's.
        public static let misdirected = Code(status: .misdirectedRequest, cause: "misdirected")
        /// Nothing is here.
        public static let notFound = Code(status: .notFound, cause: "not_found")
        /// The resource takes other methods.
        public static let methodNotAllowed = Code(status: .methodNotAllowed, cause: "method_not_allowed")
        /// In no form that the client takes.
        public static let notAcceptable = Code(status: .notAcceptable, cause: "not_acceptable")
        /// The rest of the request did not come in time.
        public static let timeout = Code(status: .requestTimeout, cause: "timeout")
        /// A condition of the request's does not hold.
        public static let preconditionFailed = Code(status: .preconditionFailed, cause: "precondition_failed")
        /// Nothing is at the range that was asked for.
        public static let rangeNotSatisfiable = Code(status: .rangeNotSatisfiable, cause: "range_not_satisfiable")
        /// More than the server takes: of bytes, of parts, or of anything that has to stay in memory.
        public static let tooLarge = Code(status: .contentTooLarge, cause: "too_large")
        /// A media type or content coding that the resource does not take.
        public static let unsupported = Code(status: .unsupportedMediaType, cause: "unsupported")
        /// Another expectation than `100-continue`.
        public static let expectationFailed = Code(status: .expectationFailed, cause: "expectation_failed")
        /// A header of more bytes than are read.
        public static let headerTooLarge = Code(status: .requestHeaderFieldsTooLarge, cause: "header_too_large")
        /// A failure of the server's own.
        public static let failed = Code(status: .internalServerError, cause: "failed")
        /// A method that no resource takes.
        public static let notImplemented = Code(status: .notImplemented, cause: "not_implemented")
        /// Out of descriptors, memory or threads, or about to stop: may work again later.
        public static let unavailable = Code(status: .serviceUnavailable, cause: "unavailable")
        /// Another version of HTTP.
        public static let versionNotSupported = Code(
            status: .httpVersionNotSupported, cause: "version_not_supported")
        /// The disk is full (RFC 4918 §11.5).
        public static let noSpace = Code(
            status: .init(code: 507, reasonPhrase: "Insufficient Storage"), cause: "no_space")
    }

    public let code: Code
    /// One line for people, which stands in the answer.
    public let message: String
    /// Fields of the answer that tell a client what would be accepted.
    public let fields: HTTPFields

    public init(_ code: Code, _ message: String, fields: HTTPFields = [:]) {
        self.code = code
        self.message = message
        self.fields = fields
    }

    public var description: String { message }
}

extension Refusal {
    /// Of a method that is not known.
    static let notImplemented = Refusal(.notImplemented, "no resource here knows this method")

    init(_ error: MultipartError) {
        let code: Code =
            switch error.code {
            case .notMultipart: .unsupported
            case .tooManyParts: .tooLarge
            // Too large a preamble too: a boundary that never comes is what makes one.
            default: .malformed
            }
        self.init(code, error.message)
    }

    init(_ error: CodingError) {
        let code: Code =
            switch error.code {
            case .sizeLimit, .ratioLimit: .tooLarge
            case .outOfMemory: .unavailable
            default: .malformed
            }
        self.init(code, error.message)
    }

    init(_ error: StorageError) {
        let code: Code =
            switch error.code {
            case .noSpace: .noSpace
            case .noResources: .unavailable
            case .fileTooLarge: .tooLarge
            default: .failed
            }
        self.init(code, error.message)
    }
}
