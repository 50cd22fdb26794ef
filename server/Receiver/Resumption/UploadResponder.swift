import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOPosix
import Platform

/// Answers the requests of uploads that can be interrupted.
struct UploadResponder: Sendable {
    private static let mostPartsAtOnce = 500

    let uploads: UnfinishedUploads
    let page: Page

    /// Begins an upload.
    func create(
        _ upload: UploadRequest, _ creation: UploadCreation, _ request: Request, _ channel: any Channel,
        _ record: RequestRecord
    ) async throws -> Response {
        let append = UploadProgress.Append(
            offset: 0, isLast: creation.isLast, length: creation.length, contentLength: request.headers.length)
        if let size = uploads.limits.size, let length = creation.length, length > size {
            throw Refusal(.tooLarge, "the upload is longer than the limit of \(size) bytes: see --max-size")
        }
        do {
            var progress = UploadProgress(length: creation.length)
            try progress.append(append)
        } catch {
            throw refusal(
                for: error, UploadStatus(offset: 0, length: creation.length, isComplete: false), creation.dialect)
        }
        let unfinished = try uploads.begin(request.head, upload, creation)
        return try await withTurn(of: unfinished, channel) {
            let live: UnfinishedUpload.Live
            do {
                live = try await unfinished.create()
            } catch {
                await unfinished.remove()
                throw error
            }
            let location = creation.dialect.location(of: unfinished.id)
            let interim = InterimResponses(channel, creation.dialect, from: 0)
            interim.begin(at: location, uploads.limits)
            let exchange = Exchange(
                unfinished: unfinished, dialect: creation.dialect, request: request, channel: channel, record: record,
                location: location)
            return try await receive(live, append, nil, interim, exchange)
        }
    }

    /// Answers a request to the location of an upload.
    func answer(
        _ operation: UnfinishedRequest, to id: UploadID, _ dialect: UploadDialect, _ request: Request,
        _ channel: any Channel, _ record: RequestRecord
    ) async throws -> Response {
        guard let unfinished = try await uploads.find(id, for: request.head) else { throw UnfinishedUpload.notFound }
        return try await withTurn(of: unfinished, channel) {
            // Another request may have removed the upload meanwhile.
            guard !unfinished.isRemoved else { throw UnfinishedUpload.notFound }
            // It was idle, and its memory has been freed since.
            guard uploads.has(unfinished) else {
                return try await answer(operation, to: id, dialect, request, channel, record)
            }
            switch operation {
            case .status:
                var fields = dialect.fields(try await unfinished.status(), uploads.limits)
                if dialect == .tus {
                    fields[.uploadMetadata] = unfinished.record.head.headerFields[.uploadMetadata]
                    if unfinished.answer == nil { addExpiry(to: &fields, dialect) }
                }
                return .withoutContent(dialect == .tus ? .ok : .noContent, fields)
            case .cancel:
                await unfinished.remove()
                return .withoutContent(.noContent, dialect == .tus ? [.tusResumable: Tus.version] : [:])
            case .append(let append, let checksum):
                let exchange = Exchange(
                    unfinished: unfinished, dialect: dialect, request: request, channel: channel, record: record)
                return try await self.append(append, checksum, exchange)
            }
        }
    }

    /// A request that writes an upload.
    private struct Exchange {
        let unfinished: UnfinishedUpload
        let dialect: UploadDialect
        let request: Request
        let channel: any Channel
        let record: RequestRecord
        /// Nil unless the request begins the upload.
        var location: String?
    }

    private func append(
        _ append: UploadProgress.Append, _ checksum: UploadChecksum?, _ exchange: Exchange
    ) async throws -> Response {
        let unfinished = exchange.unfinished
        guard unfinished.answer == nil, var live = try await unfinished.open() else {
            return try repeatedAnswer(to: append, exchange)
        }
        do {
            try uploads.note(live.progress.offset, of: unfinished.id)
            try live.progress.append(append)
        } catch {
            let status = UploadStatus(live.progress)
            await unfinished.rest(live)
            // Browsers repeat a body by themselves if its connection breaks, and read the answer when they have sent all of it,
            // or the connection is closed. A client without the answer asks for the offset.
            exchange.channel.triggerUserOutboundEvent(BriefLingering(), promise: nil)
            throw refusal(for: error, status, exchange.dialect)
        }
        let interim = InterimResponses(exchange.channel, exchange.dialect, from: live.progress.offset)
        return try await receive(live, append, checksum, interim, exchange)
    }

    /// The client has lost the answer.
    private func repeatedAnswer(to append: UploadProgress.Append, _ exchange: Exchange) throws -> Response {
        guard let answer = exchange.unfinished.answer else { throw UnfinishedUpload.notFound }
        let status = UploadStatus(offset: answer.length, length: answer.length, isComplete: true)
        guard append.offset == answer.length, append.contentLength == 0, append.isLast ?? true else {
            throw refusal(for: UploadProgress.Problem.completed, status, exchange.dialect)
        }
        return response(with: answer, status, exchange)
    }

    private func receive(
        _ live: consuming UnfinishedUpload.Live, _ append: UploadProgress.Append, _ checksum: UploadChecksum?,
        _ interim: InterimResponses, _ exchange: Exchange
    ) async throws -> Response {
        let unfinished = exchange.unfinished
        let start = live.progress.offset
        var writer = UploadWriter(live, interim, checksum: checksum) { [uploads] size throws(StorageError) in
            try uploads.note(size, of: unfinished.id)
        }
        let checkpoints = writer.checkpoints
        var isComplete = false
        do {
            try await writer.receive(exchange.request.body, contentLength: append.contentLength)
            isComplete = try writer.live.progress.ended(isLast: append.isLast)
        } catch {
            exchange.record.count(bytes: writer.live.progress.offset - start)
            let status = UploadStatus(writer.live.progress)
            guard UnfinishedUpload.survives(error) else {
                await writer.live.reception.abandon()
                await unfinished.remove()
                throw error
            }
            let isConsistent = !(error is StorageError) && writer.mayRecord
            // Also if the server is stopping, which cancels this task.
            unfinished.park(writer.live)
            await Task {
                if isConsistent {
                    try? await unfinished.settle(checkpoints)
                } else {
                    await unfinished.drop(checkpoints)
                }
            }.value
            throw refusal(for: error, status, exchange.dialect)
        }
        let progress = writer.live.progress
        exchange.record.count(bytes: progress.offset - start, parts: writer.live.reception.partCount)
        unfinished.park(writer.live)
        try await Task { try await unfinished.settle(checkpoints, progress.length) }.value
        try? uploads.note(progress.offset, of: unfinished.id)
        guard isComplete else { return incomplete(UploadStatus(progress), exchange) }
        let trailer = try await exchange.channel.requestTrailer()
        let report = try await Task { try await unfinished.finish(trailer) }.value
        return try await response(with: report, UploadStatus(progress), exchange)
    }

    /// Runs `body` when the request before has ended.
    private func withTurn(
        of unfinished: UnfinishedUpload, _ channel: any Channel, _ body: () async throws -> Response
    ) async throws -> Response {
        let isAdmitted = await unfinished.turn.enter {
            channel.triggerUserOutboundEvent(AbortEvent(), promise: nil)
        }
        // A later request has arrived, and this one's connection has been closed.
        guard isAdmitted else { throw ChannelError.ioOnClosedChannel }
        defer {
            unfinished.turn.leave()
            uploads.ended(unfinished)
        }
        return try await body()
    }

    private func refusal(for error: any Error, _ status: UploadStatus, _ dialect: UploadDialect) -> any Error {
        switch error {
        case let problem as UploadProgress.Problem: dialect.refusal(for: problem, status, uploads.limits)
        case is ChecksumMismatch:
            Refusal(.checksumMismatch, "the body does not match its checksum", fields: [.tusResumable: Tus.version])
        default: error
        }
    }
}

extension UploadResponder {
    /// Adds what a client may want to know before it begins an upload.
    func addOptions(to fields: inout HTTPFields, of head: HTTPRequest, _ rules: Route.Rules) {
        switch Resource(head, rules) {
        case .tus, .tusUpload:
            for field in Tus.capabilities(uploads.limits) { fields[field.name] = field.value }
        case .unfinished:
            fields[.uploadLimit] = uploads.limits.field
            fields[.acceptPatch] = DraftVersion.mediaType
        case .root, .uploads, .file, .name, .server:
            fields[.uploadLimit] = uploads.limits.field
        case .files, .echo, .text, .userAgent, .count, .health, .metrics, nil:
            break
        }
    }

    private func incomplete(_ status: UploadStatus, _ exchange: Exchange) -> Response {
        var fields = exchange.dialect.fields(status, uploads.limits)
        fields[.location] = exchange.location
        addExpiry(to: &fields, exchange.dialect)
        let isCreated = exchange.location != nil || exchange.dialect == .draft(.three)
        if isCreated { fields[.contentLength] = "0" }
        return .withoutContent(isCreated ? .created : .noContent, fields)
    }

    private func response(
        with report: UploadReport, _ status: UploadStatus, _ exchange: Exchange
    ) async throws -> Response {
        guard exchange.dialect != .tus else { return tusCompleted(status, exchange) }
        let (upload, head) = (exchange.unfinished.upload, exchange.request.head)
        var response =
            report.parts.count > Self.mostPartsAtOnce
            ? try await NIOThreadPool.singleton.runIfActive { page.response(with: report, to: upload, for: head) }
            : page.response(with: report, to: upload, for: head)
        addCompletion(to: &response, status, exchange.dialect)
        return response
    }

    private func response(with answer: UploadAnswer, _ status: UploadStatus, _ exchange: Exchange) -> Response {
        guard exchange.dialect != .tus else { return tusCompleted(status, exchange) }
        var response = Response.json(answer.content, status: .init(code: answer.status), fields: answer.fields)
        addCompletion(to: &response, status, exchange.dialect)
        return response
    }

    private func addCompletion(to response: inout Response, _ status: UploadStatus, _ dialect: UploadDialect) {
        let complete = UploadStatus(offset: status.offset, length: status.offset, isComplete: true)
        for field in dialect.fields(complete, uploads.limits) { response.headers[field.name] = field.value }
    }

    private func tusCompleted(_ status: UploadStatus, _ exchange: Exchange) -> Response {
        var fields = Tus.fields(status)
        fields[.location] = exchange.location
        return .withoutContent(exchange.location == nil ? .noContent : .created, fields)
    }

    private func addExpiry(to fields: inout HTTPFields, _ dialect: UploadDialect) {
        guard dialect == .tus else { return }
        fields[.uploadExpires] = Timestamp(seconds: Timestamp.now.seconds + uploads.limits.age).httpDate
    }
}
