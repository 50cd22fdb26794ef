#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A system call's failure: an `errno`.
struct SystemError: Error, Hashable, CustomStringConvertible {
    let number: CInt

    /// The calling thread's last failure: to be taken right after the call.
    static var last: SystemError { SystemError(number: errno) }

    static let alreadyExists = EEXIST

    /// Whether nothing is wrong but that there is no file of such a name; `ELOOP`: that it is a
    /// symbolic link, and `ENXIO`: a socket.
    var isAboutTheName: Bool { [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO].contains(number) }

    var description: String { String(cString: strerror(number)) }

    /// - Parameter action: what failed, to precede the reason, as in "cannot write a file".
    func storageError(_ action: String) -> StorageError {
        switch number {
        case ENOSPC, EDQUOT: StorageError(.noSpace, "\(action): the disk is full (\(self))")
        case EMFILE, ENFILE, ENOMEM, EAGAIN: StorageError(.noResources, "\(action): \(self)")
        case EFBIG: StorageError(.fileTooLarge, "\(action): \(self)")
        default: StorageError(.failed, "\(action): \(self)")
        }
    }
}

/// Repeats a call that a signal has interrupted.
///
/// - Returns: what `call` returns, never negative.
@discardableResult
func retryingOnInterrupt<Result: SignedInteger>(_ call: () -> Result) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        let error = SystemError.last
        if error.number != EINTR { throw error }
    }
}
