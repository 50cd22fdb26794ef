import Foundation

#if canImport(Glibc)
private let stream = Int32(SOCK_STREAM.rawValue)
#else
private let stream = SOCK_STREAM
#endif

/// A port where connecting neither succeeds nor fails: its backlog is full, and no connection is accepted.
final class FullBacklog: Sendable {
    let url: String
    private let sockets: [Int32]

    init() {
        let listener = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // More than the backlog holds; the others wait as the tests' connections do.
        sockets = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(listener, address, length) == 0 && listen(listener, 0) == 0
                getsockname(listener, address, &length)
                return [listener]
                    + (0..<8).map { _ in
                        let client = socket(AF_INET, stream, 0)
                        _ = fcntl(client, F_SETFL, O_NONBLOCK)
                        _ = connect(client, address, length)
                        return client
                    }
            }
        }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/"
    }

    deinit { for socket in sockets { close(socket) } }
}
