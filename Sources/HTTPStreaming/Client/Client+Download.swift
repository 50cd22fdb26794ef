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
    /// Within the call, an interrupted download is continued as ``Response/save(to:durability:)-(Path,_)`` says. With
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
    ///   - durability: as with ``Response/save(to:durability:)-(Path,_)``. With ``Durability/relaxed``, a download begins again
    ///     after a power failure.
    /// - Returns: the first response, whose content has been read, with its ``Response/metrics``.
    /// - Throws: ``StatusError`` for a status other than 2xx, and ``ClientError`` as ``Response/save(to:durability:)-(Path,_)``:
    ///   with the code ``ClientError/Code/destinationUnwritable`` also if another download to this path is running, or if
    ///   `path.part` is no partial file of this library.
    @discardableResult
    public func download(
        _ url: String, to path: Path, resuming: Bool = false, durability: Durability = .full
    ) async throws -> Response {
        let session = try await downloadSession(url)
        return try await withTaskExecutorPreference(BlockingExecutor.shared) {
            guard resuming else {
                var reader = DownloadReader(session, continuing: nil, from: 0)
                try await reader.save(to: path, durability: durability)
                return reader.received
            }
            var file = try PartialFile.open(path, url: session.exchange.request.url, durability: durability)
            do {
                let known = file.known
                var reader = DownloadReader(session, continuing: known?.file, from: known?.count ?? 0)
                while let event = try await reader.next() {
                    switch event {
                    case .bytes(let bytes): try file.append(bytes)
                    case .beginning(let representation): try file.begin(representation)
                    }
                }
                try file.publish()
                return reader.received
            } catch {
                file.stop()
                if let error = error as? SystemError { throw ClientError.unwritable(path, error) }
                throw error
            }
        }
    }

    /// See ``download(_:to:resuming:durability:)-(_,Path,_,_)``.
    @discardableResult
    public func download(
        _ url: String, to path: String, resuming: Bool = false, durability: Durability = .full
    ) async throws -> Response {
        try await download(url, to: Path(path), resuming: resuming, durability: durability)
    }

    private nonisolated(nonsending) func downloadSession(_ url: String) async throws -> DownloadSession {
        try await calls.run { call in
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
