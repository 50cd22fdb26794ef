#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// An error of the operating system: an `errno`.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The value of `errno`, such as `ENOENT`.
    public let code: Int32

    /// - Parameter code: a value of `errno`.
    public init(code: Int32) { self.code = code }

    /// What strerror(3) says, such as "No such file or directory".
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let text = buffer.baseAddress else { return "error \(code)" }
            // glibc declares the GNU variant to C only; Swift gets XSI's, which fills the buffer.
            return strerror_r(code, text, buffer.count) == 0 ? String(cString: text) : "error \(code)"
        }
    }
}

extension SystemError {
    /// Repeats a call that a signal has interrupted.
    ///
    /// - Returns: what `call` returns, never negative.
    @discardableResult
    static func check<Result: SignedInteger>(_ call: () -> Result) throws(SystemError) -> Result {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw SystemError(code: code) }
        }
    }
}
