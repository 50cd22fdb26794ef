/// How the content of a response to a `GET` is asked for again.
final class DownloadSession: Sendable {
    let client: Client
    /// The call that has sent the request.
    let call: CallQueue.Call
    /// As it was when the response was received.
    let exchange: Exchange
    /// Whether the client has asked for content codings, and decodes them.
    let isDecoded: Bool

    /// Nil unless the request was a `GET` without a body.
    init?(_ client: Client, _ call: CallQueue.Call, _ exchange: Exchange, isDecoded: Bool) {
        guard exchange.isDownload else { return nil }
        (self.client, self.call, self.exchange, self.isDecoded) = (client, call, exchange, isDecoded)
    }
}

extension Client {
    /// Sends the request of a download once more.
    ///
    /// - Parameters:
    ///   - fields: select the bytes; empty for all.
    ///   - interruption: the error that is thrown if another request has been begun, to which the connection belongs now;
    ///     nil if that does not matter.
    ///   - progress: of the request.
    nonisolated(nonsending) func ask(
        _ fields: HeaderFields, _ exchange: Exchange, of session: DownloadSession, after interruption: ClientError?,
        progress: (@Sendable (UploadProgress) -> Void)?
    ) async throws(ClientError) -> (answer: TransferResponse, exchange: Exchange) {
        try await calls.run { call throws(ClientError) in
            guard !session.call.isCancelled else { throw ClientError.cancelled() }
            let isOpen = try openRequest() != nil
            if let interruption, isOpen || !isLatest(exchange.id) {
                throw interruption.adding("the rest was not asked for: the client has begun another request")
            }
            guard !isOpen else { throw ClientError.requestOpen }
            var exchange = exchange
            exchange.prepareAgain(fields, isDecoded: session.isDecoded, id: nextID())
            do throws(ClientError) {
                let result = try await run(exchange, isNew: true, call, progress)
                guard case .answered(let answer) = result.outcome else {
                    preconditionFailure("a request without parts ends with an answer")
                }
                return (answer, result.exchange)
            } catch {
                guard interruption != nil, error.code != .cancelled else { throw error }
                throw error.adding("the download had been interrupted before, and its rest was asked for")
            }
        }
    }
}
