/// An error of the operating system: an `errno`.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The value of `errno`, such as `ENOENT`.
    public let code: Int32

    /// - Parameter code: a value of `errno`.
    public init(code: Int32) { self.code = code }

    /// The text of strerror(3), such as "No such file or directory".
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let text = buffer.baseAddress else { return "error \(code)" }
            // glibc declares the GNU variant to C only; Swift gets the XSI one, which fills the buffer.
            return strerror_r(code, text, buffer.count) == 0 ? String(cString: text) : "error \(code)"
        }
    }
}

extension SystemError {
    /// The calling thread's `errno`: read it right after the call that failed.
    @inlinable
    package static var last: SystemError { SystemError(code: errno) }

    /// Calls `call`, again as long as a signal interrupts it (`EINTR`).
    ///
    /// - Returns: what `call` returns, never negative.
    @discardableResult @inlinable
    package static func check<Result: SignedInteger>(_ call: () -> Result) throws(SystemError) -> Result {
        while true {
            let result = call()
            if result >= 0 { return result }
            let error = last
            if error.code != EINTR { throw error }
        }
    }
}
