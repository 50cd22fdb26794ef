import Foundation

/// A TCP connection that sends and receives exactly what a test says. Every call blocks, for as
/// long as its deadline at most: call it from a thread of its own (see ``onThread(_:)``).
public final class RawConnection {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
        public let number: Int32
    }

    /// The number of a server's connection, from 1; 0 at a client's end.
    public let number: Int
    private var descriptor: Int32
    /// Received and not yet returned.
    private var buffer: [UInt8] = []
    private var isAtEnd = false
    /// The trailer field lines of the last chunked body that was read.
    public internal(set) var trailer: [String] = []

    /// The server's end.
    init(accepted descriptor: Int32, number: Int, deadline: Duration = .seconds(60)) {
        self.descriptor = descriptor
        self.number = number
        configure(deadline)
    }

    /// A client's end, to a server on this machine.
    ///
    /// - Parameters:
    ///   - deadline: of each single call.
    ///   - sendBuffer: bytes of the kernel's send buffer.
    public init(port: Int, deadline: Duration = .seconds(60), sendBuffer: Int32? = nil) throws {
        number = 0
        #if canImport(Darwin)
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard descriptor >= 0 else { throw Self.failure("socket") }
        configure(deadline)
        if var sendBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &sendBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let failure = Self.failure("connect")
            close()
            throw failure
        }
    }

    deinit { close() }

    private func configure(_ deadline: Duration) {
        setDeadline(deadline, option: SO_RCVTIMEO)
        setDeadline(deadline, option: SO_SNDTIMEO)
        var on: Int32 = 1
        // Each piece is sent at once.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        #if canImport(Darwin)
        setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    public func send(_ text: String) throws { try send(Array(text.utf8)) }

    public func send(_ bytes: [UInt8]) throws {
        #if canImport(Darwin)
        let flags: Int32 = 0
        #else
        let flags = Int32(MSG_NOSIGNAL)
        #endif
        try bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let sent = Foundation.send(descriptor, part.baseAddress, part.count, flags)
                guard sent >= 0 else {
                    if errno == EINTR { continue }
                    throw Self.failure("send")
                }
                rest = rest.dropFirst(sent)
            }
        }
    }

    /// Everything up to the end of `pattern`; the rest stays for the next call.
    ///
    /// - Throws: ``Failure`` if the connection ends before.
    public func receive(through pattern: String) throws -> [UInt8] {
        let pattern = Array(pattern.utf8)
        while true {
            if let range = buffer.firstRange(of: pattern) { return take(range.upperBound) }
            guard try fill() else {
                throw Failure(
                    description: "the connection ended after \(String(decoding: buffer, as: UTF8.self))", number: 0)
            }
        }
    }

    public func receive(count: Int) throws -> [UInt8] {
        while buffer.count < count {
            guard try fill() else { throw Failure(description: "the connection ended too early", number: 0) }
        }
        return take(count)
    }

    /// The next bytes, which stay; fewer at the end.
    func peek(_ count: Int) throws -> ArraySlice<UInt8> {
        while buffer.count < count, try fill() {}
        return buffer.prefix(count)
    }

    /// The available bytes, at most 64 KiB; empty at the end. Waits for either.
    public func receiveSome() throws -> [UInt8] {
        if buffer.isEmpty { _ = try fill() }
        return take(buffer.count)
    }

    public func receiveToEnd() throws -> [UInt8] {
        while try fill() {}
        return take(buffer.count)
    }

    /// Everything until the peer closes or resets.
    public func receiveToClose() throws -> [UInt8] {
        do {
            while try fill() {}
        } catch let failure as Failure where failure.number == ECONNRESET {
            // Its end as well.
        }
        return take(buffer.count)
    }

    /// One HTTP response with a Content-Length, or an interim one.
    public func receiveResponse() throws -> (status: Int, head: String, body: String) {
        let head = String(decoding: try receive(through: "\r\n\r\n"), as: UTF8.self)
        let lines = head.lowercased().components(separatedBy: "\r\n")
        let status = Int(head.dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0
        let length = lines.first { $0.hasPrefix("content-length:") }.flatMap {
            Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces))
        }
        return (status, head, String(decoding: try receive(count: length ?? 0), as: UTF8.self))
    }

    /// Sets how long a call of `send` waits until some of its bytes are accepted.
    public func setSendDeadline(_ deadline: Duration) { setDeadline(deadline, option: SO_SNDTIMEO) }

    /// Whether something can be received within so many milliseconds: bytes or the end.
    public func isReadable(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return !buffer.isEmpty || poll(&entry, 1, milliseconds) > 0
    }

    /// Whether the peer has closed or reset the connection, however much of what it has sent is unread.
    var hasPeerClosed: Bool {
        #if os(Linux)
        // <poll.h> has POLLRDHUP for _GNU_SOURCE only, which Swift's importer does not set.
        let readHangUp: Int16 = 0x2000
        var entry = pollfd(fd: descriptor, events: readHangUp, revents: 0)
        return poll(&entry, 1, 0) > 0
        #else
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
        #endif
    }

    /// Whether the peer has sent all; waits until it has, or something can be received.
    func isEnded() throws -> Bool {
        if !buffer.isEmpty { return false }
        return try !fill()
    }

    /// Says that nothing more will be sent.
    public func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes without the usual end: the peer gets a reset, behind all that was sent. Under load a reset
    /// overtakes what the peer's kernel has not taken yet, and that is lost without anybody's fault.
    public func reset() {
        #if os(Linux)
        var unacknowledged: Int32 = 0
        for _ in 0..<200 where ioctl(descriptor, UInt(TIOCOUTQ), &unacknowledged) == 0 && unacknowledged > 0 {
            usleep(1000)
        }
        #endif
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    public func close() {
        guard descriptor >= 0 else { return }
        _ = Foundation.close(descriptor)
        descriptor = -1
    }

    /// Runs what blocks on a thread of its own, so that no thread of the tests' pool waits.
    public static func onThread<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    private func setDeadline(_ deadline: Duration, option: Int32) {
        var time = timeval()
        time.tv_sec = .init(deadline.components.seconds)
        time.tv_usec = .init(deadline.components.attoseconds / 1_000_000_000_000)
        setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    private func fill() throws -> Bool {
        guard !isAtEnd else { return false }
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("recv") }
            isAtEnd = count == 0
            buffer += chunk[..<count]
            return count > 0
        }
    }

    private func take(_ count: Int) -> [UInt8] {
        let taken = Array(buffer[..<count])
        buffer.removeFirst(count)
        return taken
    }

    private static func failure(_ call: String) -> Failure {
        let number = errno
        return Failure(description: "\(call): \(String(cString: strerror(number)))", number: number)
    }
}
