internal import Platform

extension Response {
    /// Writes the content to a file, decoded as ``body`` is, in constant memory.
    ///
    /// The file appears under its path in one step when it is complete. A file that has the path already is replaced
    /// then, and stays as it is until then. After an error, or if the task is cancelled, nothing is left. A symbolic
    /// link is replaced, not followed; anything but a regular file or a link to one is refused.
    ///
    /// Suspends until the file is complete, and blocks no thread of the caller's. The content has been written to the
    /// kernel then, not yet to the disk: it outlives the process, but not a power failure.
    ///
    /// - Parameter path: its folder must exist. A new file is readable and writable as the umask
    ///   allows.
    /// - Returns: the length of the file, in bytes.
    /// - Throws: ``ClientError/Code/destinationUnwritable``, before anything is read where that is
    ///   known by then, and the errors of ``body``.
    @discardableResult
    public func save(to path: Path) async throws -> Int64 {
        try await withTaskExecutorPreference(BlockingExecutor.shared) {
            do {
                var file = try FileWriter(replacing: path)
                var count: Int64 = 0
                for try await chunk in body {
                    try file.append(chunk)
                    count += Int64(chunk.count)
                }
                try file.publish()
                return count
            } catch let error as SystemError {
                throw ClientError(.destinationUnwritable, "\(path): \(error)", underlying: error)
            }
        }
    }

    /// See ``save(to:)-(Path)``.
    @discardableResult
    public func save(to path: String) async throws -> Int64 { try await save(to: Path(path)) }
}
