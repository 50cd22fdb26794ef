import ContentCoding
public import HTTPTypes
import Multipart

/// Why a request is answered with an error.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The class of what went wrong, which settles the status. More codes may be added; compare,
    /// do not enumerate.
    public struct Code: Hashable, Sendable {
        public let status: HTTPResponse.Status

        /// Not valid, or incomplete.
        public static let malformed = Code(status: .badRequest)
        /// Nothing is here.
        public static let notFound = Code(status: .notFound)
        /// The resource takes other methods.
        public static let methodNotAllowed = Code(status: .methodNotAllowed)
        /// In no form that the client takes.
        public static let notAcceptable = Code(status: .notAcceptable)
        /// A condition of the request's does not hold.
        public static let preconditionFailed = Code(status: .preconditionFailed)
        /// Nothing is at the range that was asked for.
        public static let rangeNotSatisfiable = Code(status: .rangeNotSatisfiable)
        /// More than the server takes: of parts, or of anything that has to stay in memory.
        public static let tooLarge = Code(status: .contentTooLarge)
        /// A media type or content coding that the resource does not take.
        public static let unsupported = Code(status: .unsupportedMediaType)
        /// A failure of the server's own.
        public static let failed = Code(status: .internalServerError)
        /// Out of descriptors, memory or threads: may work again later.
        public static let unavailable = Code(status: .serviceUnavailable)
        /// The disk is full (RFC 4918 §11.5).
        public static let noSpace = Code(status: .init(code: 507, reasonPhrase: "Insufficient Storage"))
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
