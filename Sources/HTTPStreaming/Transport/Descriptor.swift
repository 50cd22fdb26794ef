#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// An open file descriptor, closed when it is let go.
struct Descriptor: ~Copyable {
    let raw: Int32

    /// - Parameter open: returns the descriptor, or a negative number and sets `errno`.
    init(_ open: () -> Int32) throws(SystemError) {
        raw = try SystemError.check(open)
    }

    deinit { _ = closeDescriptor(raw) }

    /// Closes it, and says what the system says to that. Never repeated: on Linux the descriptor is
    /// gone whatever it says, and may be another thread's by then.
    consuming func close() throws(SystemError) {
        let raw = raw
        discard self
        guard closeDescriptor(raw) == 0 else { throw SystemError(code: errno) }
    }
}

/// `close(2)`, out of reach of methods of that name.
private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }
