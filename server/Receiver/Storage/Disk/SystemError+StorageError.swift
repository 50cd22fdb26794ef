import NIOPosix
import Platform

extension SystemError {
    /// Whether the only problem is that no file of the given name can be opened. `ELOOP` means that the name belongs to
    /// a symbolic link, `ENXIO` to a socket.
    var meansNoSuchFile: Bool { [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO].contains(code) }

    /// - Parameter action: what failed, such as "cannot write a file".
    func storageError(_ action: String) -> StorageError {
        switch code {
        case ENOSPC, EDQUOT: StorageError(.noSpace, "\(action): the disk is full (\(self))")
        case EMFILE, ENFILE, ENOMEM, EAGAIN: StorageError(.noResources, "\(action): \(self)")
        case EISDIR, ENOTDIR, ELOOP:
            StorageError(.conflict, "\(action): something else has its name, or that of a folder in its path (\(self))")
        case EFBIG: StorageError(.fileTooLarge, "\(action): \(self)")
        default: StorageError(.failed, "\(action): \(self)")
        }
    }
}

extension NIOThreadPool {
    /// Runs a blocking function on a thread of the pool, even if the calling task has been cancelled: files must be
    /// closed in that case too.
    ///
    /// - Parameter action: what fails if `body` throws, for the error message.
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
                    continuation.resume(returning: .failure(.serverIsStopping))
                }
            }
        }
        return try result.get()
    }
}
