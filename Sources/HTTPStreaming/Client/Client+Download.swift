internal import Platform

extension Client {
    /// Receives a file with a `GET`, and gives it a path in one step when it is complete and on the disk.
    ///
    /// ```swift
    /// try await client.download("https://example.org/big.iso", to: "big.iso", resuming: true)
    /// ```
    ///
    /// The file is asked for without a content coding, unless the configuration has an `Accept-Encoding`: ranges count coded bytes
    /// (RFC 9110 §14.1.2), and content that is compressed while it is sent rarely has a strong validator. If the server codes it
    /// nevertheless, it is decoded.
    ///
    /// Within the call, an interrupted download is continued as ``Response/save(to:durability:progress:)-(Path,_,_)`` says. With
    /// `resuming`, a later call can continue it, too: after an error, a cancellation or the end of the process, the received bytes
    /// stay in `path.part`, and the record of the file on the server in `path.part.state`. The later call asks for the rest
    /// only if the server still has the same file, and otherwise for all of it; the file never holds bytes of both. After a power
    /// failure it continues from bytes that were on the disk before. Nothing is kept without a strong validator, or of coded
    /// content.
    ///
    /// Suspends until the file is complete; blocks no thread of the caller's.
    ///
    /// - Parameters:
    ///   - url: as in ``Request/init(_:_:headerFields:content:)``. Header fields and credentials come from the configuration,
    ///     which must have no `Range` and no conditions of a cache.
    ///   - path: of the file. A file that has the path already stays as it is until then.
    ///   - resuming: whether a later call can continue; false by default: nothing is left of a failure. One call at a time, in any
    ///     process, can do so for a path.
    ///   - durability: as with ``Response/save(to:durability:progress:)-(Path,_,_)``. With ``Durability/relaxed``, a download begins again
    ///     after a power failure.
    ///   - progress: as with ``Response/save(to:durability:progress:)-(Path,_,_)``; begins at the bytes that an earlier call has
    ///     received.
    /// - Returns: the first response, whose content has been read, with its ``Response/metrics``.
    /// - Throws: ``StatusError`` for a status other than 2xx, and ``ClientError`` as ``Response/save(to:durability:progress:)-(Path,_,_)``:
    ///   with the code ``ClientError/Code/destinationUnwritable`` also if another download to this path is running, or if
    ///   `path.part` is no partial file of this library.
    @discardableResult
    public func download(
        _ url: String, to path: Path, resuming: Bool = false, durability: Durability = .full,
        progress: (@Sendable (DownloadProgress) -> Void)? = nil
    ) async throws -> Response {
        let session = try await downloadSession(url)
        let counter = ProgressCounter(ProgressHub(), from: DownloadProgress())
        return try await counter.reporting(to: progress) {
            try await withTaskExecutorPreference(BlockingExecutor.shared) {
                guard resuming else {
                    var file = try ClientError.write(path) { () throws(SystemError) in
                        try FileWriter(replacing: path, durability: durability)
                    }
                    var reader = DownloadReader(session, continuing: nil, from: 0, counter)
                    try await reader.begin()
                    try await reader.write(to: &file, path)
                    return reader.received
                }
                var file = try PartialFile.open(path, url: session.exchange.request.url, durability: durability)
                do {
                    let known = file.known
                    var reader = DownloadReader(session, continuing: known?.file, from: known?.count ?? 0, counter)
                    try await reader.begin()
                    try await reader.write(to: &file, path)
                    return reader.received
                } catch {
                    file.stop()
                    throw error
                }
            }
        }
    }

    /// See ``download(_:to:resuming:durability:progress:)-(_,Path,_,_,_)``.
    @discardableResult
    public func download(
        _ url: String, to path: String, resuming: Bool = false, durability: Durability = .full,
        progress: (@Sendable (DownloadProgress) -> Void)? = nil
    ) async throws -> Response {
        try await download(url, to: Path(path), resuming: resuming, durability: durability, progress: progress)
    }

    private nonisolated(nonsending) func downloadSession(_ url: String) async throws(ClientError) -> DownloadSession {
        try await calls.run { call throws(ClientError) in
            guard try openRequest() == nil else { throw ClientError.requestOpen }
            var request = Request(.get, url)
            let isDecoded = configuration.headerFields["Accept-Encoding"] == nil
            if isDecoded { request.headerFields["Accept-Encoding"] = "identity" }
            let prepared = try await PreparedRequest(request, configuration)
            let exchange = Exchange(id: nextID(), prepared, settings, progressHub, control)
            try ClientError.require(
                !exchange.hasRangeOrCondition, "a download cannot have a Range or a condition of a cache")
            guard let session = DownloadSession(self, call, exchange, isDecoded: isDecoded) else {
                preconditionFailure("a GET without a body")
            }
            return session
        }
    }
}
