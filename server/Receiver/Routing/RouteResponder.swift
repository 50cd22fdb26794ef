import ContentCoding
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// Answers requests and logs one line for each.
struct RouteResponder: HTTPResponder {
    /// What a route knows about its connection.
    struct Context: InitializableFromSource {
        let channel: any Channel

        init(source: ApplicationRequestContextSource) { channel = source.channel }
    }

    /// A smaller file fits into one packet without compression.
    private static let leastWorthCoding = 1024

    /// The report of more parts takes more than a millisecond, and is not written on the event loop.
    private static let mostPartsAtOnce = 500

    let storage: any Storage
    let health: StorageHealth
    let decoding: DecodingLimits
    let rules: Route.Rules
    let page: Page
    /// Nil if no uploads are kept that are cut off.
    let uploads: UploadResponder?
    let metrics: ServerMetrics
    /// For what waits to be sent on all connections and streams.
    let budget: SendBudget
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
            let report = try await receive(upload, request, context, record)
            guard report.parts.count > Self.mostPartsAtOnce else {
                return page.response(with: report, to: upload, for: request.head)
            }
            return try await NIOThreadPool.singleton.runIfActive {
                page.response(with: report, to: upload, for: request.head)
            }
        case .create(let upload, let creation):
            guard let uploads else { preconditionFailure("the route has not been judged by this server's rules") }
            return try await uploads.create(upload, creation, request, context.channel, record)
        case .unfinished(let id, let operation, let dialect):
            guard let uploads else { preconditionFailure("the route has not been judged by this server's rules") }
            return try await uploads.answer(operation, to: id, dialect, request, context.channel, record)
        case .list(let list):
            return try await answer(list, request, context, record)
        case .download(let download):
            return try await answer(download, request, context, record)
        case .page:
            return page.response(for: request.head)
        case .echo(let echo):
            let body = EchoBody(
                request: echo, encoder: try encoder(for: echo.representation, context.channel), content: request.body,
                rules: rules,
                decoding: decoding)
            return .streaming(.ok, echo.fields, record, context.channel) { try await body.send(to: &$0) }
        case .text(let text, let representation):
            return try .text(text, representation)
        case .count(let count):
            guard request.method == .get else { return .withoutContent(.ok, count.fields) }
            let body = CountBody(
                request: count, encoder: try encoder(for: count.representation, context.channel),
                channel: context.channel)
            return .streaming(.ok, count.fields, record, context.channel) { try await body.send(to: &$0) }
        case .health:
            return try await answerHealth()
        case .metrics:
            return .content(metrics.text, fields: [.contentType: "text/plain; version=0.0.4; charset=utf-8"])
        case .options(let methods):
            var fields: HTTPFields = [.allow: methods.map(\.rawValue).joined(separator: ", ")]
            uploads?.addOptions(to: &fields, of: request.head, rules)
            return .withoutContent(.noContent, fields)
        }
    }

    private func answerHealth() async throws -> Response {
        do {
            try await health.check()
        } catch {
            // Whatever the cause: an orchestrator or a proxy shall send requests to another server.
            throw Refusal(.unavailable, error.message)
        }
        return .json("{\"status\":\"ok\"}\n")
    }

    private func receive(
        _ upload: UploadRequest, _ request: Request, _ context: Context, _ record: RequestRecord
    ) async throws -> UploadReport {
        var reception = Reception(upload, into: storage.begin(), decoding: decoding, rules: rules)
        defer { record.count(bytes: reception.bytesRead, parts: reception.partCount) }
        let contentLength = request.headers[.contentLength].flatMap { Int($0) }
        return try await reception.receive(request.body, contentLength: contentLength) {
            try await context.channel.requestTrailer()
        }
    }

    private func answer(
        _ request: FileListRequest, _ http: Request, _ context: Context, _ record: RequestRecord
    ) async throws -> Response {
        let files = budget.share(
            upTo: request.limit * FileList.bytesPerFile, atLeast: FileList.leastFiles * FileList.bytesPerFile)
        let limit = min(request.limit, files.bytes / FileList.bytesPerFile)
        let list = FileList(try await storage.files(after: request.after, limit: limit), request)
        let (fields, text) = try await NIOThreadPool.singleton.runIfActive { [page] in
            page.content(of: list, for: http.head)
        }
        let share = budget.share(upTo: text.readableBytes, atLeast: text.readableBytes)
        withExtendedLifetime(files) {}
        guard http.method == .get else { return .withoutContent(.ok, fields) }
        return .streaming(.ok, fields, record, context.channel) { writer in
            try await writer.writeInPieces(text)
            withExtendedLifetime(share) {}
        }
    }

    private func answer(
        _ download: DownloadRequest, _ request: Request, _ context: Context, _ record: RequestRecord
    ) async throws -> Response {
        guard let reader = try await storage.open(download.name) else {
            throw Refusal(.notFound, "no file of this name is stored: GET /files lists the stored files")
        }
        let isWorthCoding = download.wantsCoding ? try await Self.isWorthCoding(reader) : false
        var plan = try download.plan(for: reader.file, isWorthCoding: isWorthCoding)
        var encoder: BodyEncoder?
        if request.method == .get, case .coded(let coding) = plan.content {
            encoder = try BodyEncoder(coding, budget, for: context.channel)
            // Without memory for an encoder the file is sent as it is, if the client accepts that.
            if encoder == nil { plan = try download.plan(for: reader.file, isWorthCoding: false) }
        }
        guard request.method == .get, let content = plan.content else {
            return .withoutContent(plan.status, plan.fields)
        }
        let range: Range<Int>
        switch content {
        case .bytes(let bytes): range = bytes
        case .coded where encoder == nil: throw Refusal.encodersBusy
        case .coded: range = 0..<reader.file.size
        }
        let body = DownloadBody(reader: reader, range: range, encoder: encoder, budget: budget)
        return .streaming(plan.status, plan.fields, record, context.channel) { try await body.send(to: &$0) }
    }

    /// - Returns: nil for content that is not coded.
    private func encoder(for representation: Representation, _ channel: any Channel) throws -> BodyEncoder? {
        guard case .coded(let coding) = representation else { return nil }
        guard let encoder = try BodyEncoder(coding, budget, for: channel) else { throw Refusal.encodersBusy }
        return encoder
    }

    private static func isWorthCoding(_ reader: any StoredFileReader) async throws(StorageError) -> Bool {
        guard reader.file.size >= leastWorthCoding else { return false }
        let start = try await reader.read(at: 0, count: CompressedFormat.signatureLength)
        return !CompressedFormat.isRecognized(start.readableBytesView)
    }
}
