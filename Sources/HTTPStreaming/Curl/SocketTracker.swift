internal import CCurl
internal import Platform

/// The sockets that libcurl has open for one client, opened and closed here: CURLINFO_ACTIVESOCKET
/// is known only after a transfer, up to 8.x, and libcurl does not mark its sockets close-on-exec.
final class SocketTracker {
    /// By the inode, a socket is known from another that got its number: libcurl 7.88 closes one that it has given up
    /// while connecting without saying so.
    private var open: [(descriptor: Int32, inode: UInt64?)] = []
    /// Whether the last of them has been answered on, so that it is not one that was given up.
    var isConfirmed = false

    private let onOpen: (Int32) -> Void
    let onClose: (Int32) -> Void

    /// - Parameters:
    ///   - onOpen: is told of each socket that is opened.
    ///   - onClose: and that it is about to be closed.
    init(onOpen: @escaping (Int32) -> Void = { _ in }, onClose: @escaping (Int32) -> Void = { _ in }) {
        self.onOpen = onOpen
        self.onClose = onClose
    }

    /// Whether the last one is of TCP.
    private var isTCP = false

    /// Itself, while a socket is open: libcurl, newer ones, closes a TLS connection some time after the
    /// handles that used it are gone.
    private var whileOpen: SocketTracker?

    /// What the last one closed had received that nobody had read, 64 KiB at most.
    private(set) var unread: [UInt8] = []

    /// The one in use: attempts that lost against another address have been closed.
    var current: Int32? {
        if isConfirmed { return open.last?.descriptor }
        while let last = open.last, Self.inode(of: last.descriptor) != last.inode { open.removeLast() }
        return open.last?.descriptor
    }

    /// An answer has come on the one in use.
    func confirm() { isConfirmed = current != nil }

    private static func inode(of descriptor: Int32) -> UInt64? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// https://curl.se/libcurl/c/CURLOPT_OPENSOCKETFUNCTION.html
    func openSocket(_ address: curl_sockaddr) -> curl_socket_t {
        #if os(Linux)
        let descriptor = socket(address.family, address.socktype | Int32(SOCK_CLOEXEC.rawValue), address.protocol)
        #else
        let descriptor = socket(address.family, address.socktype, address.protocol)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        #endif
        guard descriptor >= 0 else { return ccurl_socket_bad }
        onOpen(descriptor)
        open.append((descriptor, Self.inode(of: descriptor)))
        isConfirmed = false
        whileOpen = self
        isTCP = [AF_INET, AF_INET6].contains(address.family)
        return descriptor
    }

    /// https://curl.se/libcurl/c/CURLOPT_CLOSESOCKETFUNCTION.html
    func closeSocket(_ descriptor: curl_socket_t) -> Int32 {
        // An older one may still be closed when the next is in use.
        if descriptor == current { unread = Self.received(descriptor) }
        open.removeAll { $0.descriptor == descriptor }
        isConfirmed = false
        if open.isEmpty { whileOpen = nil }
        onClose(descriptor)
        return close(descriptor)
    }

    enum Peek: Equatable {
        case nothing
        /// Something to be read, and perhaps the end behind it.
        case bytes(isHungUp: Bool)
        /// In order, or by a reset.
        case hangUp(isOrderly: Bool)
    }

    /// Looks at the socket in use, without reading or waiting; at nothing where there is none.
    func peek() -> Peek {
        guard let current else { return .nothing }
        var byte: UInt8 = 0
        let count = recv(current, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count > 0 { return .bytes(isHungUp: Self.isHungUp(current)) }
        if count == 0 { return .hangUp(isOrderly: true) }
        return [ECONNRESET, EPIPE, ETIMEDOUT].contains(errno) ? .hangUp(isOrderly: false) : .nothing
    }

    /// Whether the peer has closed its side, however much is still to be read before that.
    private static func isHungUp(_ socket: Int32) -> Bool {
        #if os(Linux)
        // <poll.h> has POLLRDHUP for _GNU_SOURCE only, which Swift's importer does not set.
        let readHangUp: Int16 = 0x2000
        var descriptor = pollfd(fd: socket, events: readHangUp, revents: 0)
        return poll(&descriptor, 1, 0) > 0
        #else
        return false
        #endif
    }

    /// Whether it is known what the peer has acknowledged: of TCP, where the kernel says so.
    var countsAcknowledged: Bool {
        #if os(Linux)
        isTCP
        #else
        false
        #endif
    }

    /// How many of the bytes that were sent the peer's kernel has not acknowledged; nil if it is not
    /// known. Of TCP_INFO it would be tcpi_notsent_bytes and the bytes of tcpi_unacked segments; this
    /// is the sum itself. https://man7.org/linux/man-pages/man7/tcp.7.html (SIOCOUTQ)
    var unacknowledged: Int64? {
        #if os(Linux)
        guard isTCP, let current else { return nil }
        var bytes: Int32 = 0
        // <linux/sockios.h> defines SIOCOUTQ as TIOCOUTQ.
        return ioctl(current, UInt(TIOCOUTQ), &bytes) == 0 ? Int64(bytes) : nil
        #else
        return nil
        #endif
    }

    /// Before a transfer: what was left of one before it says nothing.
    func forgetUnread() { unread = [] }

    private static func received(_ descriptor: Int32) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { buffer in
            var count = 0
            while count < buffer.count {
                let more = recv(
                    descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count, Int32(MSG_DONTWAIT))
                if more > 0 { count += more } else if more == 0 || errno != EINTR { break }
            }
            return Array(buffer[..<count])
        }
    }
}
