internal import CCurl
internal import Platform

// Symptom: many servers send a 408 before they close an idle connection. libcurl takes it for the response to the next
// request on that connection.
// Versions: 7.88, and perhaps later ones.
// Workaround: if bytes wait on a kept connection before a request, its socket is replaced by one whose peer has closed.
// libcurl then opens a new connection. Not with TLS, whose session tickets look the same.

extension SocketTracker {
    /// Before a plain HTTP transfer: replaces the current socket by one whose peer has closed, if bytes or the end of
    /// the connection wait on it.
    ///
    /// On Linux only. Elsewhere the tracker cannot tell a socket from another one that got the same descriptor.
    func replaceStale() {
        #if os(Linux)
        guard let current, peek() != .nothing else { return }
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            return
        }
        isConfirmed = false
        onClose(current)
        // libcurl owns the descriptor: it finds the end of the connection on it and closes it.
        dup2(pair[0], current)
        _ = fcntl(current, F_SETFD, FD_CLOEXEC)
        close(pair[0])
        close(pair[1])
        #endif
    }
}
