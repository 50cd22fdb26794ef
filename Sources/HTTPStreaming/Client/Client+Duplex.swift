extension Client {
    /// Begins a request to the client's URL whose body is written piece by piece, as it is, without the framing of
    /// `multipart/form-data`, while its response is read.
    ///
    /// Suspends until all calls before have ended. Other calls of the client throw ``ClientError/Code/requestOpen``
    /// until the stream is finished and its response has arrived.
    ///
    /// - Parameters:
    ///   - contentType: the media type of the body.
    ///   - length: of the body, in bytes; by default the request is sent chunked.
    /// - Throws: ``ClientError``, with the code ``ClientError/Code/requestOpen`` too if a request is open by
    ///   ``sendUnclosed(_:progress:)``, and ``ClientError/Code/invalidConfiguration`` if the content type cannot stand
    ///   in a header line, or the length is less than zero, or given with a content coding.
    public func open(contentType: String = "application/octet-stream", length: Int64? = nil) async throws
        -> DuplexStream
    {
        guard let target else { throw ClientError(.invalidConfiguration, "the client was made without a URL") }
        try ClientError.require(
            !contentType.isEmpty && contentType.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F },
            "the content type cannot stand in a header line")
        try ClientError.require(
            length == nil || length ?? 0 >= 0 && configuration.contentCoding == .identity,
            "the length is less than zero, or given with a content coding")
        try ClientError.require(target.method != .head, "a HEAD request takes no body")
        return try await calls.run { call throws(ClientError) in
            guard try openRequest() == nil else { throw ClientError.requestOpen }
            let (id, agent, connection) = (nextID(), connection.agent, connection)
            let queue = ChunkQueue { agent.post(.contentArrived(id)) }
            var request = PreparedRequest(
                method: target.method, url: target.url, contentType: contentType,
                contentEncoding: configuration.contentCoding.token,
                source: configuration.contentCoding.encoding(PipeSource(queue, length: length)))
            try await request.addDigest(configuration.digest, isWhole: false)
            let exchange = Exchange(id: id, request, settings, progressHub, control)
            let (outcomes, continuation) = AsyncStream.makeStream(of: Result<Waiter.Outcome, ClientError>.self)
            let waiter = Waiter(.head) { result in
                continuation.yield(result)
                continuation.finish()
            }
            // Before any message that the stream may post.
            agent.post(.start(id, exchange.transferRequest(isDuplex: true), waiter))
            let stream = DuplexStream(queue: queue, connection: connection, id: id, length: length) {
                () throws(ClientError) in
                for await outcome in outcomes {
                    guard case .answered(let answer) = try outcome.get() else { continue }
                    return Response(answer, connection: connection, id: id)
                }
                throw ClientError.cancelled()
            }
            setStream(stream)
            guard !call.isCancelled else {
                forgetOpenRequest()
                stream.cancel()
                throw ClientError.cancelled()
            }
            return stream
        }
    }
}
