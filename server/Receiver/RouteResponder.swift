import ContentCoding
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Answers requests, and logs one line for each.
struct RouteResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let storage: any Storage
    let decoding: DecodingLimits
    let logger: Logger

    func respond(to request: Request, context: Context) async -> Response {
        var log = RequestLog(request.head)
        let response: Response
        do {
            switch try Route(judging: request.head) {
            case .upload(let upload):
                response = try await receive(upload, request, &log).response(to: upload)
            case .options(let methods):
                response = .noContent(fields: [.allow: methods.map(\.rawValue).joined(separator: ", ")])
            }
        } catch {
            log.failure = "\(error)"
            response = Self.refusal(for: error).response
        }
        log.write(response.status, to: logger)
        // RFC 9110 §9.3.2: to HEAD the same answer, without its content.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func receive(
        _ upload: UploadRequest, _ request: Request, _ log: inout RequestLog
    ) async throws -> UploadReport {
        var reception = Reception(upload, into: storage.begin(), decoding: decoding)
        defer {
            log.bytes = reception.bytesRead
            log.parts = reception.partCount
        }
        let contentLength = request.headers[.contentLength].flatMap { Int($0) }
        return try await reception.receive(request.body, contentLength: contentLength)
    }

    private static func refusal(for error: any Error) -> Refusal {
        switch error {
        case let refusal as Refusal: refusal
        // Nobody is likely to hear it: the connection was lost, or the server stops.
        case is HTTPParserError, is IOError, is ChannelError: Refusal(.malformed, "the body is cut off or malformed")
        case is CancellationError: Refusal(.unavailable, "the server is stopping")
        default: Refusal(.failed, "the request could not be received")
        }
    }
}
