internal import CCurl

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// The sockets that libcurl has open for one client, opened and closed here: CURLINFO_ACTIVESOCKET
/// is known only after a transfer, up to 8.x, and libcurl does not mark its sockets close-on-exec.
final class SocketTracker {
    private var open: [Int32] = []

    /// The one in use: attempts that lost against another address have been closed.
    var current: Int32? { open.last }

    /// https://curl.se/libcurl/c/CURLOPT_OPENSOCKETFUNCTION.html
    func openSocket(_ address: curl_sockaddr) -> curl_socket_t {
        #if os(Linux)
        let descriptor = socket(address.family, address.socktype | Int32(SOCK_CLOEXEC.rawValue), address.protocol)
        #else
        let descriptor = socket(address.family, address.socktype, address.protocol)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        #endif
        guard descriptor >= 0 else { return ccurl_socket_bad }
        open.append(descriptor)
        return descriptor
    }

    /// https://curl.se/libcurl/c/CURLOPT_CLOSESOCKETFUNCTION.html
    func closeSocket(_ descriptor: curl_socket_t) -> Int32 {
        open.removeAll { $0 == descriptor }
        return close(descriptor)
    }
}
