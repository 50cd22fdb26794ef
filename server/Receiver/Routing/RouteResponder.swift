import ContentCoding
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Answers requests and logs one line for each.
struct RouteResponder: HTTPResponder {
    /// What a route knows about its connection.
    struct Context: InitializableFromSource {
        let channel: any Channel

        init(source: ApplicationRequestContextSource) { channel = source.channel }
    }

    /// A smaller file fits into one packet without compression.
    private static let leastWorthCoding = 1024

    let storage: any Storage
    let decoding: DecodingLimits
    let rules: Route.Rules
    let page: Page
    let metrics: ServerMetrics
    /// Of all connections and streams.
    let budget: BufferBudget
    let logger: Logger

    func respond(to request: Request, context: Context) async -> Response {
        let record = RequestRecord(
            request.head, from: context.channel.remoteAddress, logger: logger, metrics: metrics)
        var response: Response
        do {
            response = try await answer(request, context, record)
        } catch {
            let refusal = Refusal(for: error)
            metrics.rejected(refusal.code)
            response = page.response(to: refusal, for: request.head)
            record.end(response.status, .init(error))
        }
        rules.access.addFields(to: &response.headers, for: request.head)
        // A streamed response ends later and ends the record itself.
        if response.body.contentLength != nil { record.end(response.status) }
        // RFC 9110 §9.3.2: HEAD gets the same response without its content.
        return request.method == .head ? .withoutContent(response.status, response.headers) : response
    }

    private func answer(_ request: Request, _ context: Context, _ record: RequestRecord) async throws -> Response {
        let route = try Route(judging: request.head, rules)
        var response = try await answer(route, request, context, record)
        // The server does not read this body, so the connection (of HTTP/1) ends after the response.
        if !route.readsBody, request.headers[.transferEncoding] != nil || request.headers[.contentLength] ?? "0" != "0"
        {
            response.headers[.connection] = "close"
        }
        return response
    }

    private func answer(
        _ route: Route, _ request: Request, _ context: Context, _ record: RequestRecord
    ) async throws -> Response {
        switch route {
        case .upload(let upload):
            let report = try await receive(upload, request, record)
            return page.response(with: report, to: upload, for: request.head)
        case .list:
            return page.response(with: FileList(try await storage.files()), for: request.head)
        case .download(let download):
            let (plan, reader) = try await prepare(download)
            guard request.method == .get, let content = plan.content else {
                return .withoutContent(plan.status, plan.fields)
            }
            let body = DownloadBody(reader: reader, content: content, budget: budget)
            return .streaming(plan.status, plan.fields, record) { try await body.send(to: &$0) }
        case .page:
            return page.response(for: request.head)
        case .echo(let echo):
            let body = EchoBody(request: echo, content: request.body, rules: rules, decoding: decoding)
            return .streaming(.ok, echo.fields, record) { try await body.send(to: &$0) }
        case .text(let text, let representation):
            return try .text(text, representation)
        case .count(let count):
            guard request.method == .get else { return .withoutContent(.ok, count.fields) }
            let body = CountBody(request: count, channel: context.channel)
            return .streaming(.ok, count.fields, record) { try await body.send(to: &$0) }
        case .health:
            return .json("{\"status\":\"ok\"}\n")
        case .metrics:
            return .content(metrics.text, type: "text/plain; version=0.0.4; charset=utf-8")
        case .options(let methods):
            return .withoutContent(.noContent, [.allow: methods.map(\.rawValue).joined(separator: ", ")])
        }
    }

    private func receive(
        _ upload: UploadRequest, _ request: Request, _ record: RequestRecord
    ) async throws -> UploadReport {
        try await checkPreconditions(upload)
        var reception = Reception(upload, into: storage.begin(), decoding: decoding, rules: rules)
        defer { record.count(bytes: reception.bytesRead, parts: reception.partCount) }
        let contentLength = request.headers[.contentLength].flatMap { Int($0) }
        return try await reception.receive(request.body, contentLength: contentLength)
    }

    /// Checks the state before the upload. Nothing that another request stores meanwhile is overwritten.
    private func checkPreconditions(_ upload: UploadRequest) async throws {
        guard let preconditions = upload.preconditions, case .file(let name, _) = upload.content else { return }
        let file = try await storage.open(FileName(cleaning: name).numbered(0))?.file
        guard preconditions.allowWriting(file) else {
            throw Refusal(.preconditionFailed, "a condition of the request is false: nothing was stored")
        }
    }

    private func prepare(_ download: DownloadRequest) async throws -> (DownloadPlan, any StoredFileReader) {
        guard let reader = try await storage.open(download.name) else {
            throw Refusal(.notFound, "no file of this name is stored: GET /files lists the stored files")
        }
        let isWorthCoding = download.wantsCoding ? try await Self.isWorthCoding(reader) : false
        return (try download.plan(for: reader.file, isWorthCoding: isWorthCoding), reader)
    }

    private static func isWorthCoding(_ reader: any StoredFileReader) async throws(StorageError) -> Bool {
        guard reader.file.size >= leastWorthCoding else { return false }
        let start = try await reader.read(at: 0, count: CompressedFormat.signatureLength)
        return !CompressedFormat.isRecognized(start.readableBytesView)
    }
}
