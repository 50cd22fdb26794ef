internal import Platform

extension Response {
    /// Writes the content to a file, decoded as ``body`` is, in constant memory.
    ///
    /// The file appears under its path in one step when it is complete. A file that has the path already is replaced
    /// then, and stays as it is until then. After an error, or if the task is cancelled, nothing is left. A symbolic
    /// link is replaced, not followed; anything but a regular file or a link to one is refused.
    ///
    /// If the connection is lost or a time limit is exceeded, the content of a `GET` is continued: the client asks for the
    /// rest (`Range`, `If-Range`; RFC 9110 §14.2, §13.1.5), as often and as soon as ``Client/Configuration/retry`` allows. The
    /// number of attempts and ``Client/Retry/maximumTime`` begin again whenever more content has been received than before.
    /// If the server's file has changed meanwhile, or the server sends no ranges, the file begins again from its first byte;
    /// it never holds bytes of both. This takes a response with status 200 and a strong validator: an `ETag` without `W/`, or
    /// without any `ETag` a `Last-Modified` at least a minute older than `Date`. The client must not have begun another
    /// request, and the request must have no `Range` and no conditions of a cache (`If-None-Match`, `If-Modified-Since`).
    /// ``Response/Metrics/resumptions`` counts it. Coded content is continued in its coded form; servers that compress while they
    /// send rarely give it a strong validator, so that ``Client/download(_:to:resuming:durability:progress:)-(_,Path,_,_,_)`` asks for no coding.
    ///
    /// Suspends until the file is complete, and blocks no thread of the caller's.
    ///
    /// - Parameters:
    ///   - path: its folder must exist. A new file is readable and writable as the umask allows.
    ///   - durability: by default the content, the name and the folder are on the disk when this returns; with
    ///     ``Durability/relaxed`` the system has them, so that they outlive the process, but not a power failure.
    ///   - progress: called each ``Client/Configuration/progressInterval`` while bytes arrive, when the content is continued,
    ///     and with the final state before this returns or throws; see ``DownloadProgress``.
    /// - Returns: the length of the file, in bytes.
    /// - Throws: ``ClientError/Code/destinationUnwritable``, before anything is read where that is
    ///   known by then, ``ClientError/Code/resumptionFailed`` if the server refuses to send the rest, and the errors of
    ///   ``body``. If the content cannot be written to the disk, nothing is left; if only its folder cannot, the complete
    ///   file has its path, and may lose it in a power failure.
    @discardableResult
    public func save(
        to path: Path, durability: Durability = .full, progress: (@Sendable (DownloadProgress) -> Void)? = nil
    ) async throws -> Int64 {
        let counter = ProgressCounter(ProgressHub(), from: DownloadProgress())
        return try await counter.reporting(to: progress) { () throws(ClientError) in
            try await withTaskExecutorPreference(BlockingExecutor.shared) { () throws(ClientError) in
                var file = try ClientError.write(path) { () throws(SystemError) in
                    try FileWriter(replacing: path, durability: durability)
                }
                var reader = DownloadReader(self, counter)
                try await reader.write(to: &file, path)
                return Int64(file.size)
            }
        }
    }

    /// See ``save(to:durability:progress:)-(Path,_,_)``.
    @discardableResult
    public func save(
        to path: String, durability: Durability = .full, progress: (@Sendable (DownloadProgress) -> Void)? = nil
    ) async throws -> Int64 {
        try await save(to: Path(path), durability: durability, progress: progress)
    }
}
