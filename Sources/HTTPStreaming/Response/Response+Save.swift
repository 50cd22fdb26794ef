internal import Platform

extension Response {
    /// Writes the content to a file, decoded as ``body`` is, in constant memory.
    ///
    /// The file appears under its name when it is complete, in one step; a file that has the name
    /// is replaced then, and stays as it is until then. When anything fails, or the task is
    /// cancelled, nothing is left. A symbolic link is replaced, not followed; what is neither a
    /// regular file nor a link to one is refused.
    ///
    /// Suspends until the file is complete, and blocks no thread of the caller's. The content is with
    /// the kernel then, not yet on the disk: it outlives the process, not a power failure.
    ///
    /// - Parameter path: its folder must exist. A new file is readable and writable as the umask
    ///   allows.
    /// - Returns: the length of the file, in bytes.
    /// - Throws: ``ClientError/Code/destinationUnwritable``, before anything is read where that is
    ///   known by then, and what ``body`` throws.
    @discardableResult
    public func save(to path: String) async throws -> Int64 {
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
}
