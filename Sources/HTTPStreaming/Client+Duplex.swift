extension Client {
    /// Begins a request whose body is written piece by piece, as it is, without the framing of
    /// `multipart/form-data`, while its response is read.
    ///
    /// Suspends until the request has its turn. Other calls of the client throw
    /// ``ClientError/Code/streamOpen`` until the stream is finished and its response has come.
    ///
    /// - Parameters:
    ///   - contentType: the media type of the body.
    ///   - length: of the body, in bytes; the request is sent chunked unless given.
    /// - Throws: ``ClientError``, with the code ``ClientError/Code/streamOpen`` too if a request is open by
    ///   ``sendUnclosed(_:progress:)``, and ``ClientError/Code/invalidConfiguration`` if the content
    ///   type cannot stand in a header line, or the length is less than zero, or given with a content coding.
    public func open(contentType: String = "application/octet-stream", length: Int64? = nil) async throws
        -> DuplexStream
    {
        guard contentType.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), !contentType.isEmpty else {
            throw ClientError(.invalidConfiguration, "the content type cannot stand in a header line")
        }
        guard length ?? 0 >= 0, length == nil || configuration.contentCoding == .identity else {
            throw ClientError(
                .invalidConfiguration, "the length is less than zero, or given with a content coding")
        }
        guard method != .head else {
            throw ClientError(.invalidConfiguration, "a HEAD request takes no body")
        }
        return try await turnstile.pass { turn in
            let stream = try claimStream { id in
                let (agent, connection) = (connection.agent, connection)
                let pipe = StreamQueue { agent.post(.contentArrived(id)) }
                let request = TransferRequest(
                    settings: settings, url: url, maySendCredentials: true,
                    contentType: contentType, parts: [PreparedPart(pipe)], messageEnd: [], isFinishing: false,
                    isDuplex: true, announcedLength: length, counter: ProgressCounter(progressHub),
                    control: control, priority: Task.currentPriority
                )
                let (outcomes, continuation) = AsyncThrowingStream.makeStream(of: Waiter.Outcome.self)
                // Before anything that the stream may tell the agent.
                agent.post(
                    .start(
                        id, request,
                        Waiter(.head) { result in
                            continuation.yield(with: result)
                            continuation.finish()
                        }))
                return DuplexStream(client: self, id: id, pipe: pipe, length: length) {
                    for try await case .answered(let answer) in outcomes {
                        return Response(answer, connection: connection, id: id)
                    }
                    throw ClientError.cancelled()
                }
            }
            guard !turn.isCancelled else {
                forgetOpenRequest()
                stream.cancel()
                throw ClientError.cancelled()
            }
            return stream
        }
    }

    /// For ``DuplexStream``: its body has ended.
    func finish(_ id: TransferID) { connection.agent.post(.append(id, [], isLast: true, nil)) }

    /// For ``DuplexStream``: its transfer is to end.
    func cancel(_ id: TransferID) { connection.agent.post(.cancel(id)) }
}
