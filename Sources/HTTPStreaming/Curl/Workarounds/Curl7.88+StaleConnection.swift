internal import CCurl
internal import Platform

extension SocketTracker {
    /// Puts a socket whose peer has closed in place of the one in use, if that has been sent something between two
    /// requests: many servers say 408 before they close an idle connection, and libcurl, up to 7.88 at least,
    /// would take that for the answer to the next request.
    ///
    /// On Linux only: elsewhere a socket is not known from another that got its number.
    func replaceStale() {
        #if os(Linux)
        guard let current, peek() != .nothing else { return }
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            return
        }
        isConfirmed = false
        onClose(current)
        // The descriptor is libcurl's, which finds the end on it and closes it.
        dup2(pair[0], current)
        _ = fcntl(current, F_SETFD, FD_CLOEXEC)
        close(pair[0])
        close(pair[1])
        #endif
    }
}
