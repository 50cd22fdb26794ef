import NIOPosix

extension NIOThreadPool {
    /// Runs what blocks on a thread of the pool. Runs it even when the calling task has been
    /// cancelled: files have to be closed then, too.
    ///
    /// - Parameter action: what it is good for, for the error message.
    func run<Result: Sendable>(
        _ action: String, _ body: @escaping @Sendable () throws(SystemError) -> Result
    ) async throws(StorageError) -> Result {
        let result = await withCheckedContinuation { continuation in
            submit { state in
                switch state {
                case .active:
                    do throws(SystemError) {
                        continuation.resume(returning: Swift.Result<Result, StorageError>.success(try body()))
                    } catch {
                        continuation.resume(returning: .failure(error.storageError(action)))
                    }
                case .cancelled:
                    continuation.resume(returning: .failure(StorageError(.noResources, "the server is stopping")))
                }
            }
        }
        return try result.get()
    }
}
