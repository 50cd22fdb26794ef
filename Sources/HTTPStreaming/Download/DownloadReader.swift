internal import Platform

/// Reads the content of a response for a file, and asks for the rest of it after an interruption.
struct DownloadReader {
    enum Event {
        /// The next bytes of the file, decoded.
        case bytes([UInt8])
        /// What follows is the file from its first byte, perhaps another one: bytes that were read before are void.
        case beginning(Representation)
    }

    /// What an answer to a request for content means.
    private enum Answer {
        case rest
        case whole(Representation)
        case refusal(Response)
    }

    /// The first response; nil before it was received.
    private var response: Response?
    private let session: DownloadSession?
    private var exchange: Exchange?
    /// Nil until it is needed.
    private var representation: Representation?
    /// How many bytes another process has received.
    private let start: Int64
    /// The highest number of bytes that have been received.
    private var furthest: Int64
    /// The first event, if it has not been returned.
    private var beginning: Representation?
    private let counter: ProgressCounter<DownloadProgress>
    private let progressInterval: Duration
    /// When progress was last reported.
    private var reportedAt: Instant?

    /// Reads a response.
    init(_ response: Response, _ counter: ProgressCounter<DownloadProgress>) {
        self.response = response
        session = response.download
        exchange = response.download?.exchange
        start = 0
        furthest = 0
        self.counter = counter
        progressInterval = response.progressInterval
    }

    /// Sends the request of a session with ``begin()``.
    ///
    /// - Parameters:
    ///   - known: the file of which bytes have been received before; nil if there are none.
    ///   - start: the number of these bytes.
    init(
        _ session: DownloadSession, continuing known: Representation?, from start: Int64,
        _ counter: ProgressCounter<DownloadProgress>
    ) {
        self.session = session
        exchange = session.exchange
        representation = known
        self.start = known == nil ? 0 : start
        furthest = self.start
        self.counter = counter
        progressInterval = session.exchange.configuration.progressInterval
    }

    /// Reports what another process has received, and sends the first request of a session; suspends until its answer arrives.
    ///
    /// - Throws: ``StatusError`` if the answer has no content of the file, and what ``next()`` throws.
    mutating func begin() async throws {
        if start > 0 { report() }
        switch try await ask(after: nil) {
        case .rest: break
        case .whole(let representation): beginning = representation
        case .refusal(let response): throw await Self.reason(for: response)
        }
    }

    /// The next bytes; nil at the end. Suspends until they arrive.
    ///
    /// - Throws: the errors of ``Response/body``, and ``ClientError/Code/resumptionFailed``.
    mutating func next() async throws(ClientError) -> Event? {
        if let representation = beginning.take() { return .beginning(representation) }
        while true {
            let interruption: ClientError
            do {
                let bytes = try await received.body.source.next()
                if reportedAt.map({ .now - $0 >= progressInterval }) ?? true { report() }
                return bytes.map { .bytes($0) }
            } catch {
                guard Client.Retry.covers(error.code) else { throw error }
                interruption = error
            }
            switch try await ask(after: interruption) {
            case .rest: break
            case .whole(let representation): return .beginning(representation)
            case .refusal(let response):
                let reason = await Self.reason(for: response)
                throw ClientError(
                    .resumptionFailed, "the download was interrupted and cannot be continued: \(reason)",
                    underlying: reason)
            }
        }
    }

    /// Reports how much has been received, if that is wanted.
    mutating func report() {
        guard counter.isWanted else { return }
        reportedAt = .now
        let length = representation ?? response.map { Representation(url: "", $0.headerFields) }
        counter.report(
            DownloadProgress(
                bytesReceived: bytesReceived, totalBytes: length?.length,
                resumptions: response?.metrics.resumptions ?? 0, redirects: exchange?.redirects ?? []))
    }

    /// The first response, once it has been received.
    var received: Response {
        guard let response else { preconditionFailure("content is part of a response") }
        return response
    }

    /// How many bytes of the file have been received, coded.
    private var bytesReceived: Int64 { response?.body.source.bytesReceived ?? start }

    /// Asks for the rest of the content, or for all of it, until it is known how to go on.
    ///
    /// - Parameter interruption: nil for the first request.
    private mutating func ask(after interruption: ClientError?) async throws(ClientError) -> Answer {
        var fields = try fieldsOfRest(after: interruption)
        var isDue = interruption == nil
        while true {
            if !isDue { try await pause(after: interruption) }
            isDue = false
            guard let session, let exchange else { preconditionFailure("only downloads are asked for") }
            // The request itself may be sent again, too.
            let onProgress = { @Sendable [counter] (progress: UploadProgress) in
                counter.report(progress.retry, progress.redirects)
            }
            let (answer, next) = try await session.client.ask(
                fields, exchange, of: session, after: interruption, progress: counter.isWanted ? onProgress : nil)
            self.exchange = next
            let offset = bytesReceived
            let known = representation ?? Representation(url: next.url, validator: nil, length: nil)
            switch known.answer(status: answer.status, answer.headerFields, from: next.url, offset: offset) {
            case .rest(let end, let length):
                representation?.length = length
                proceed(answer, session, next) { body in
                    body.append(answer.content, id: next.id, end: end, whole: length)
                }
                return .rest
            case .whole:
                let new = Representation(url: next.url, answer.headerFields)
                representation = new
                proceed(answer, session, next) { body in
                    body.replace(
                        with: answer.content, id: next.id, coding: answer.coding(isDecoded: session.isDecoded))
                }
                return .whole(new)
            case .useless:
                session.client.connection.agent.post(.contentAbandoned(next.id))
                // Without a range there will be something to go on with: this is no new attempt.
                isDue = !fields.isEmpty
                fields = [:]
            case .failure:
                return .refusal(Response(answer, connection: session.client.connection, id: next.id))
            }
        }
    }

    /// - Throws: the interruption, if the rest cannot be asked for.
    private mutating func fieldsOfRest(after interruption: ClientError?) throws(ClientError) -> HeaderFields {
        if let interruption {
            guard let response, let exchange, response.status == 200 || start > 0, !exchange.hasRangeOrCondition,
                exchange.configuration.retry.covers(.get)
            else { throw interruption }
            representation = representation ?? Representation(url: exchange.url, response.headerFields)
            guard representation?.validator != nil else {
                throw interruption.adding("the rest was not asked for: the response has no strong validator")
            }
            if bytesReceived > furthest {
                furthest = bytesReceived
                self.exchange?.restartAttempts()
            }
        }
        return representation?.fields(from: bytesReceived) ?? [:]
    }

    private mutating func pause(after interruption: ClientError?) async throws(ClientError) {
        let cause = interruption ?? ClientError(.invalidResponse, "the server sent a part that was not asked for")
        guard let retry = exchange?.retry(after: cause) else {
            throw cause.adding("no more attempts to ask for the rest are left")
        }
        report()
        counter.report(retry, exchange?.redirects ?? [])
        try await session?.call.sleep(retry.delay)
    }

    /// Goes on with the content of an answer: in the first response, if there is one.
    private mutating func proceed(
        _ answer: TransferResponse, _ session: DownloadSession, _ exchange: Exchange,
        _ change: (Response.Body.Source) -> Void
    ) {
        if let response {
            response.metricsBox.continue(with: answer.metrics)
            change(response.body.source)
        } else {
            let response = Response(answer, connection: session.client.connection, id: exchange.id, download: session)
            if start > 0 { response.body.source.skip(start) }
            change(response.body.source)
            self.response = response
        }
        report()
    }

    /// Why the answer with this response is not the content of the file.
    private static func reason(for response: Response) async -> any Error {
        do {
            try await response.requireSuccess()
            return ClientError(.invalidResponse, "the server answered with status \(response.status)")
        } catch {
            return error
        }
    }
}

extension DownloadReader {
    /// Writes the content to a file, and gives it its path. Blocks while it writes.
    mutating func write(
        to file: inout some DownloadDestination & ~Copyable, _ path: Path
    ) async throws(ClientError) {
        defer { report() }
        while let event = try await next() {
            try ClientError.write(path) { () throws(SystemError) in
                switch event {
                case .bytes(let bytes): try file.append(bytes)
                case .beginning(let representation): try file.begin(representation)
                }
            }
        }
        try ClientError.write(path) { () throws(SystemError) in try file.publish() }
    }
}

/// Where the content of a download is written. Every call blocks.
protocol DownloadDestination: ~Copyable {
    /// Removes all bytes: those of this file follow.
    mutating func begin(_ representation: Representation) throws(SystemError)
    mutating func append(_ bytes: [UInt8]) throws(SystemError)
    /// Gives the file its path.
    mutating func publish() throws(SystemError)
}

extension FileWriter: DownloadDestination {
    mutating func begin(_ representation: Representation) throws(SystemError) { try truncate() }
}

extension PartialFile: DownloadDestination {}
