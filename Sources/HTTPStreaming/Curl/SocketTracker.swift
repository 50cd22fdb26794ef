internal import CCurl
internal import Platform

/// Opens and closes the sockets of one client for libcurl, and knows the one in use. libcurl (8.x too) sets
/// CURLINFO_ACTIVESOCKET only after a transfer, and does not mark its sockets close-on-exec.
final class SocketTracker {
    /// The inode distinguishes a socket from another one that got the same descriptor: libcurl 7.88 closes a socket whose
    /// connection attempt was aborted without calling the close callback.
    private var open: [(descriptor: Int32, inode: UInt64?)] = []
    /// Whether a response was received on the last socket: its connection attempt was not aborted.
    var isConfirmed = false

    /// The most bytes that the kernel takes before it can send them; by itself it takes up to 4 MiB. All of them have to be
    /// sent again after a lost connection, and progress counts them as sent.
    private static let unsentLimit: Int32 = 512 << 10

    private let onOpen: (Int32) -> Void
    let onClose: (Int32) -> Void

    /// - Parameters:
    ///   - onOpen: called after a socket is opened.
    ///   - onClose: called before a socket is closed.
    init(onOpen: @escaping (Int32) -> Void = { _ in }, onClose: @escaping (Int32) -> Void = { _ in }) {
        self.onOpen = onOpen
        self.onClose = onClose
    }

    /// Whether the last socket uses TCP.
    private var isTCP = false

    /// The tracker itself while a socket is open. libcurl 8.23 closes a TLS connection some time after the handles that
    /// used it are gone, and calls the close callback then.
    private var retainedSelf: SocketTracker?

    /// The received bytes that libcurl had not read from the socket in use when it was closed; 64 KiB at most.
    private(set) var unread: [UInt8] = []

    /// The socket in use; nil if there is none. Connection attempts that lost against another address are closed.
    var current: Int32? {
        if isConfirmed { return open.last?.descriptor }
        while let last = open.last, Self.inode(of: last.descriptor) != last.inode { open.removeLast() }
        return open.last?.descriptor
    }

    /// To be called when a response was received on the socket in use.
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
        retainedSelf = self
        isTCP = [AF_INET, AF_INET6].contains(address.family)
        if isTCP {
            var limit = Self.unsentLimit
            setsockopt(
                descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &limit, socklen_t(MemoryLayout.size(ofValue: limit)))
        }
        return descriptor
    }

    /// https://curl.se/libcurl/c/CURLOPT_CLOSESOCKETFUNCTION.html
    func closeSocket(_ descriptor: curl_socket_t) -> Int32 {
        // libcurl may close an older socket while the next one is in use.
        if descriptor == current { unread = Self.received(descriptor) }
        open.removeAll { $0.descriptor == descriptor }
        isConfirmed = false
        if open.isEmpty { retainedSelf = nil }
        onClose(descriptor)
        return close(descriptor)
    }

    enum Peek: Equatable {
        case nothing
        /// Bytes can be read; `isHungUp` if the peer has closed the connection after them.
        case bytes(isHungUp: Bool)
        /// The peer has closed the connection: orderly, or by a reset.
        case hangUp(isOrderly: Bool)
    }

    /// Checks what the socket in use has received, without reading it or waiting; `nothing` if there is no socket.
    func peek() -> Peek {
        guard let current else { return .nothing }
        var byte: UInt8 = 0
        let count = recv(current, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count > 0 { return .bytes(isHungUp: Self.isHungUp(current)) }
        if count == 0 { return .hangUp(isOrderly: true) }
        return [ECONNRESET, EPIPE, ETIMEDOUT].contains(errno) ? .hangUp(isOrderly: false) : .nothing
    }

    /// Whether the peer has closed its side, even if bytes can still be read.
    private static func isHungUp(_ socket: Int32) -> Bool {
        #if os(Linux)
        // POLLRDHUP. <poll.h> defines it only with _GNU_SOURCE, which Swift's importer does not set.
        let readHangUp: Int16 = 0x2000
        var descriptor = pollfd(fd: socket, events: readHangUp, revents: 0)
        return poll(&descriptor, 1, 0) > 0
        #else
        return false
        #endif
    }

    /// Whether ``unacknowledged`` can be known: for TCP on Linux.
    var countsAcknowledged: Bool {
        #if os(Linux)
        isTCP
        #else
        false
        #endif
    }

    /// The number of sent bytes that the peer's kernel has not acknowledged; nil if it is not known. SIOCOUTQ counts
    /// unsent and unacknowledged bytes together, where TCP_INFO has tcpi_notsent_bytes and tcpi_unacked segments.
    /// https://man7.org/linux/man-pages/man7/tcp.7.html
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

    /// To be called before a transfer: the unread bytes of an earlier one do not belong to it.
    func clearUnread() { unread = [] }

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
