import ContentCoding
import HTTPTypes
import Multipart
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// Why a request is refused: the status and message of the error response.
struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of refusal, which determines the status.
    struct Code: Hashable, Sendable {
        let status: HTTPResponse.Status
        /// One word, the label of the metric `rejections_total`.
        let cause: String

        /// The request is invalid or incomplete.
        static let malformed = Code(status: .badRequest, cause: "malformed")
        /// The token that writing requires is missing or wrong.
        static let unauthorized = Code(status: .unauthorized, cause: "unauthorized")
        /// The request comes from a page of an origin that is not allowed.
        static let forbidden = Code(status: .forbidden, cause: "forbidden")
        /// The host in the request is not this server.
        static let misdirected = Code(status: .misdirectedRequest, cause: "misdirected")
        /// The resource does not exist.
        static let notFound = Code(status: .notFound, cause: "not_found")
        /// The resource does not accept the method.
        static let methodNotAllowed = Code(status: .methodNotAllowed, cause: "method_not_allowed")
        /// The content has no form that the client accepts.
        static let notAcceptable = Code(status: .notAcceptable, cause: "not_acceptable")
        /// The rest of the request did not arrive within the stall timeout.
        static let timeout = Code(status: .requestTimeout, cause: "timeout")
        /// A condition of the request is false.
        static let preconditionFailed = Code(status: .preconditionFailed, cause: "precondition_failed")
        /// The file has no bytes in the requested range.
        static let rangeNotSatisfiable = Code(status: .rangeNotSatisfiable, cause: "range_not_satisfiable")
        /// Something that cannot be replaced has the name.
        static let conflict = Code(status: .conflict, cause: "conflict")
        /// The request exceeds a limit: of bytes, of parts, or of data that must be held in memory.
        static let tooLarge = Code(status: .contentTooLarge, cause: "too_large")
        /// The resource does not accept the media type or content coding.
        static let unsupported = Code(status: .unsupportedMediaType, cause: "unsupported")
        /// The request expects something other than `100-continue`.
        static let expectationFailed = Code(status: .expectationFailed, cause: "expectation_failed")
        /// The header is longer than 80 KiB.
        static let headerTooLarge = Code(status: .requestHeaderFieldsTooLarge, cause: "header_too_large")
        /// The server failed.
        static let failed = Code(status: .internalServerError, cause: "failed")
        /// No resource accepts the method.
        static let notImplemented = Code(status: .notImplemented, cause: "not_implemented")
        /// The server is out of descriptors, memory or threads, or is stopping: a later try may succeed.
        static let unavailable = Code(status: .serviceUnavailable, cause: "unavailable")
        /// The version of HTTP is not supported.
        static let versionNotSupported = Code(
            status: .httpVersionNotSupported, cause: "version_not_supported")
        /// The body does not match its checksum (tus).
        static let checksumMismatch = Code(
            status: .init(code: 460, reasonPhrase: "Checksum Mismatch"), cause: "checksum_mismatch")
        /// The disk is full (RFC 4918 §11.5).
        static let noSpace = Code(
            status: .init(code: 507, reasonPhrase: "Insufficient Storage"), cause: "no_space")
    }

    let code: Code
    /// One line for people, sent in the response.
    let message: String
    /// Fields of the response that tell the client what would be accepted.
    let fields: HTTPFields
    /// What a program can read of the reason; nil for most refusals.
    let problem: ProblemDetails?

    init(_ code: Code, _ message: String, fields: HTTPFields = [:], problem: ProblemDetails? = nil) {
        self.code = code
        self.message = message
        self.fields = fields
        self.problem = problem
    }

    var description: String { message }
}

/// A kind of problem for programs (RFC 9457), from the registry of the draft for resumable uploads.
struct ProblemDetails: Hashable, Sendable {
    /// The end of the type's URL.
    let type: String
    let title: String
    var members: [String: Int] = [:]
}

extension Refusal {
    static let notImplemented = Refusal(.notImplemented, "no resource of this server has this method")

    /// 503: no memory for another encoder.
    static let encodersBusy = Refusal(
        .unavailable, "too many compressed responses are being sent", fields: [.retryAfter: "10"])

    /// - Parameter error: of a route.
    init(for error: any Error) {
        switch error {
        case let refusal as Refusal: self = refusal
        case let error as MultipartError: self.init(error)
        case let error as CodingError: self.init(error)
        case let error as StorageError: self.init(error)
        case RequestBodyError.stalled: self.init(.timeout, "the rest of the request did not arrive in time")
        case RequestBodyError.excessiveFraming:
            self.init(.malformed, "the body has too many bytes that are not content, such as extensions of chunks")
        // The client is unlikely to see this: the connection is lost, or the server is stopping.
        case is HTTPParserError, is IOError, is ChannelError, is RequestBodyError, is NIOHTTP2Errors.StreamClosed:
            self.init(.malformed, "the body is cut off or malformed")
        case is CancellationError: self.init(.unavailable, "the server is stopping")
        default: self.init(.failed, "the request could not be answered")
        }
    }

    init(_ error: MultipartError) {
        switch error.code {
        case .notMultipart, .unsupportedParameter: self.init(.unsupported, error.message)
        case .tooManyParts: self.init(.tooLarge, error.message, option: "--max-parts")
        case .headerTooLarge: self.init(.tooLarge, error.message, option: "--max-part-header")
        case .tooManyHeaderLines: self.init(.tooLarge, error.message, option: "--max-part-header-lines")
        // Also for a preamble that is too large: it means that the boundary never appears.
        default: self.init(.malformed, error.message)
        }
    }

    /// - Parameter option: of `server`, which sets the limit that the request exceeds.
    init(_ code: Code, _ message: String, option: String) {
        self.init(code, message + ": see " + option)
    }

    private init(_ error: CodingError) {
        switch error.code {
        case .sizeLimit: self.init(.tooLarge, error.message, option: "--max-decoded-size")
        case .ratioLimit: self.init(.tooLarge, error.message, option: "--max-ratio")
        case .outOfMemory: self.init(.unavailable, error.message)
        default: self.init(.malformed, error.message)
        }
    }

    private init(_ error: StorageError) {
        let code: Code =
            switch error.code {
            case .noSpace: .noSpace
            case .noResources: .unavailable
            case .fileTooLarge: .tooLarge
            case .conditionFailed: .preconditionFailed
            case .conflict: .conflict
            case .invalidName: .malformed
            default: .failed
            }
        self.init(code, error.message, fields: code == .unavailable ? [.retryAfter: "10"] : [:])
    }
}
