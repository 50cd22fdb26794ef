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

    /// A smaller file fits into a packet as it is.
    private static let leastWorthCoding = 1024

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
            case .list:
                response = .json(FileList(try await storage.files()).json)
            case .download(let download):
                let (plan, reader) = try await prepare(download)
                if request.method == .get, let content = plan.content {
                    // Its line is logged when it has been sent.
                    return .sending(DownloadBody(reader: reader, content: content), plan) {
                        [logger, log] bytes, error in
                        var log = log
                        log.bytes = bytes
                        log.failure = error.map { "\($0)" }
                        log.write(plan.status, to: logger)
                    }
                }
                response = .withoutContent(plan.status, plan.fields)
            case .options(let methods):
                response = .withoutContent(.noContent, [.allow: methods.map(\.rawValue).joined(separator: ", ")])
            }
        } catch {
            log.failure = "\(error)"
            response = Self.refusal(for: error).response
        }
        log.write(response.status, to: logger)
        // RFC 9110 §9.3.2: to HEAD the same answer, without its content.
        return request.method == .head ? .withoutContent(response.status, response.headers) : response
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

    private func prepare(_ download: DownloadRequest) async throws -> (DownloadPlan, any StoredFileReader) {
        guard let reader = try await storage.open(download.name) else {
            throw Refusal(.notFound, "no file of this name is stored: GET /files lists those that are")
        }
        let isWorthCoding = download.wantsCoding ? try await Self.isWorthCoding(reader) : false
        return (try download.plan(for: reader.file, isWorthCoding: isWorthCoding), reader)
    }

    private static func isWorthCoding(_ reader: any StoredFileReader) async throws(StorageError) -> Bool {
        guard reader.file.size >= leastWorthCoding else { return false }
        let start = try await reader.read(at: 0, count: CompressedFormat.signatureLength)
        return !CompressedFormat.isRecognized(start.readableBytesView)
    }

    private static func refusal(for error: any Error) -> Refusal {
        switch error {
        case let refusal as Refusal: refusal
        case let error as StorageError: Refusal(error)
        // Nobody is likely to hear it: the connection was lost, or the server stops.
        case is HTTPParserError, is IOError, is ChannelError: Refusal(.malformed, "the body is cut off or malformed")
        case is CancellationError: Refusal(.unavailable, "the server is stopping")
        default: Refusal(.failed, "the request could not be answered")
        }
    }
}
