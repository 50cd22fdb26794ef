/// Reads the content of a response for a file, and asks for the rest of it after an interruption.
struct DownloadReader {
    enum Event {
        /// The next bytes of the file, decoded.
        case bytes([UInt8])
        /// What follows is the file from its first byte, perhaps another one: bytes that were read before are void.
        case beginning(Representation)
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

    /// Reads a response.
    init(_ response: Response) {
        self.response = response
        session = response.download
        exchange = response.download?.exchange
        start = 0
        furthest = 0
    }

    /// Sends the request of a session with the first call of ``next()``.
    ///
    /// - Parameters:
    ///   - known: the file of which bytes have been received before; nil if there are none.
    ///   - start: the number of these bytes.
    init(_ session: DownloadSession, continuing known: Representation?, from start: Int64) {
        self.session = session
        exchange = session.exchange
        representation = known
        self.start = known == nil ? 0 : start
        furthest = self.start
    }

    /// The next bytes; nil at the end. Suspends until they arrive.
    ///
    /// - Throws: the errors of ``Response/body``, and ``ClientError/Code/resumptionFailed``; ``StatusError`` only for the
    ///   first response of a session.
    mutating func next() async throws -> Event? {
        while true {
            var interruption: ClientError?
            if let response {
                do {
                    return try await response.body.source.next().map { .bytes($0) }
                } catch let error as ClientError where Client.Retry.covers(error.code) {
                    interruption = error
                }
            }
            if let representation = try await ask(after: interruption) { return .beginning(representation) }
        }
    }

    /// The first response, once the content has been read.
    var received: Response {
        guard let response else { preconditionFailure("content is part of a response") }
        return response
    }

    /// How many bytes of the file have been received, coded.
    private var bytesReceived: Int64 { response?.body.source.bytesReceived ?? start }

    /// Asks for the rest of the content, or for all of it, until it is known how to go on.
    ///
    /// - Parameter interruption: nil for the first request.
    /// - Returns: the file whose content begins again from its first byte; nil if the content continues.
    private mutating func ask(after interruption: ClientError?) async throws -> Representation? {
        var fields = try fieldsOfRest(after: interruption)
        var isDue = interruption == nil
        while true {
            if !isDue { try await pause(after: interruption) }
            isDue = false
            guard let session, let exchange else { preconditionFailure("only downloads are asked for") }
            let (answer, next) = try await session.client.ask(fields, exchange, of: session, after: interruption)
            self.exchange = next
            let offset = bytesReceived
            let known = representation ?? Representation(url: next.url, validator: nil, length: nil)
            switch known.answer(status: answer.status, answer.headerFields, from: next.url, offset: offset) {
            case .rest(let end, let length):
                representation?.length = length
                proceed(answer, session, next) { body in
                    body.append(answer.content, id: next.id, end: end, whole: length)
                }
                return nil
            case .whole:
                let new = Representation(url: next.url, answer.headerFields)
                representation = new
                proceed(answer, session, next) { body in
                    body.replace(
                        with: answer.content, id: next.id, coding: answer.coding(isDecoded: session.isDecoded))
                }
                return new
            case .useless:
                session.client.connection.agent.post(.contentAbandoned(next.id))
                // Without a range there will be something to go on with: this is no new attempt.
                isDue = !fields.isEmpty
                fields = [:]
            case .failure:
                try await fail(
                    Response(answer, connection: session.client.connection, id: next.id), after: interruption)
            }
        }
    }

    /// - Throws: the interruption, if the rest cannot be asked for.
    private mutating func fieldsOfRest(after interruption: ClientError?) throws -> HeaderFields {
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

    private mutating func pause(after interruption: ClientError?) async throws {
        guard let delay = exchange?.delayAfterInterruption() else {
            throw (interruption ?? ClientError(.invalidResponse, "the server sent a part that was not asked for"))
                .adding("no more attempts to ask for the rest are left")
        }
        try await session?.call.sleep(delay)
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
    }

    private func fail(_ response: Response, after interruption: ClientError?) async throws -> Never {
        let reason: any Error
        do {
            try await response.requireSuccess()
            reason = ClientError(.invalidResponse, "the server answered with status \(response.status)")
        } catch {
            reason = error
        }
        guard interruption != nil else { throw reason }
        throw ClientError(
            .resumptionFailed, "the download was interrupted and cannot be continued: \(reason)", underlying: reason)
    }
}
