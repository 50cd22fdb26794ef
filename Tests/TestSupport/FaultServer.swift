import Foundation
import Synchronization

/// A raw-socket HTTP server for tests, as wrong as a test wants it, until the process ends or ``stop()``: each connection is handed to a
/// closure on a thread of its own, which reads and writes as it likes.
public final class FaultServer: Sendable {
    public let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var accepted = 0
        var errors: [String] = []
        var isStopped = false
    }

    public var url: String { "http://127.0.0.1:\(port)/" }

    /// How many connections have been accepted.
    public var accepted: Int { state.withLock { $0.accepted } }

    /// What handlers threw.
    public var errors: [String] { state.withLock { $0.errors } }

    /// Listens on a free port of the loopback interface.
    ///
    /// - Parameters:
    ///   - receiveBuffer: bytes of the kernel's receive buffer; small ones make senders wait soon.
    ///   - handler: called for each connection; the socket is closed when it returns.
    public init(
        receiveBuffer: Int32? = nil, _ handler: @escaping @Sendable (FaultConnection) throws -> Void
    ) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        if var receiveBuffer {
            setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 128) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw FaultError("cannot listen: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in acceptLoop(handler) }
    }

    private func acceptLoop(_ handler: @escaping @Sendable (FaultConnection) throws -> Void) {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 {
                if errno == EINTR { continue }
                return
            }
            let isStopped = state.withLock { state in
                if !state.isStopped { state.accepted += 1 }
                return state.isStopped
            }
            guard !isStopped else {
                close(descriptor)
                return
            }
            Thread.detachNewThread { [self] in
                let connection = FaultConnection(descriptor: descriptor, number: accepted)
                do {
                    try handler(connection)
                } catch {
                    state.withLock { $0.errors.append("\(error)") }
                }
                connection.close()
            }
        }
    }

    /// Ends listening; connections that are open stay so until their handlers return.
    public func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

}

public struct FaultError: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// One accepted connection, used by its handler's thread only. Every read has a deadline.
public final class FaultConnection {
    /// From 1, in the order of acceptance.
    public let number: Int
    private var descriptor: Int32
    private var buffered: [UInt8] = []

    init(descriptor: Int32, number: Int) {
        self.descriptor = descriptor
        self.number = number
        setDeadline(seconds: 30)
    }

    public func setDeadline(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Up to `limit` bytes; empty at the end of the connection.
    public func read(_ limit: Int = 65536) throws -> [UInt8] {
        if !buffered.isEmpty {
            defer { buffered.removeFirst(min(limit, buffered.count)) }
            return Array(buffered.prefix(limit))
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &bytes, limit, 0)
        guard count >= 0 else { throw FaultError("recv: errno \(errno)") }
        return Array(bytes.prefix(count))
    }

    /// Exactly `count` bytes.
    public func readExactly(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try read(min(count - bytes.count, 1 << 20))
            guard !more.isEmpty else { throw FaultError("end after \(bytes.count) of \(count) bytes") }
            bytes += more
        }
        return bytes
    }

    /// Up to and with the first occurrence of `end`.
    public func readThrough(_ end: String) throws -> String {
        var bytes: [UInt8] = []
        let end = Array(end.utf8)
        while true {
            let more = try read()
            guard !more.isEmpty else { throw FaultError("end in a line or header, after \(bytes.count) bytes") }
            let from = max(0, bytes.count - end.count)
            bytes += more
            guard bytes.count >= end.count else { continue }
            for index in from...(bytes.count - end.count) where bytes[index..<(index + end.count)].elementsEqual(end) {
                buffered = Array(bytes[(index + end.count)...]) + buffered
                return String(decoding: bytes[..<(index + end.count)], as: UTF8.self)
            }
        }
    }

    /// The header of a request; nil when the peer closed before another one.
    public func readHead() throws -> RequestHead? {
        let first = try read()
        guard !first.isEmpty else { return nil }
        buffered = first + buffered
        return RequestHead(try readThrough("\r\n\r\n"))
    }

    /// The same, and `100 Continue` where the request waits for it.
    public func readHeadAndContinue() throws -> RequestHead? {
        let head = try readHead()
        if head?["expect"] != nil { try send("HTTP/1.1 100 Continue\r\n\r\n") }
        return head
    }

    /// The next chunk of a chunked body; empty for the last one.
    public func readChunk() throws -> [UInt8] {
        let line = try readThrough("\r\n").dropLast(1)
        guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else { throw FaultError("chunk size \(line)") }
        let bytes = try readExactly(size)
        _ = try readThrough("\r\n")
        return bytes
    }

    /// The whole body of a request, answering `Expect: 100-continue` first.
    public func readBody(of head: RequestHead) throws -> [UInt8] {
        if head["expect"] != nil { try send("HTTP/1.1 100 Continue\r\n\r\n") }
        if let length = head["content-length"].flatMap({ Int($0) }) { return try readExactly(length) }
        guard head["transfer-encoding"] == "chunked" else { return [] }
        var body: [UInt8] = []
        while true {
            let chunk = try readChunk()
            if chunk.isEmpty { return body }
            body += chunk
        }
    }

    public func send(_ text: String) throws { try send(Array(text.utf8)) }

    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw FaultError("send: errno \(errno)") }
            sent += count
        }
    }

    /// A whole response with a length.
    public func respond(_ status: Int, _ body: String = "", fields: String = "") throws {
        try send("HTTP/1.1 \(status) Status\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
    }

    /// Waits for the peer to close; false if it sends something or the deadline passes.
    public func isClosedByPeer() -> Bool {
        do {
            return try read().isEmpty
        } catch {
            return errno == ECONNRESET
        }
    }

    /// Sends no more; the peer sees the end behind what was sent.
    public func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the connection in order, as close(2) does; in disorder where bytes are unread.
    public func close() {
        guard descriptor >= 0 else { return }
        Foundation.close(descriptor)
        descriptor = -1
    }

    /// Ends the connection with a reset.
    public func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }
}

/// The request line and header fields of a request.
public struct RequestHead: Sendable {
    public let line: String
    public let fields: [(name: String, value: String)]

    init(_ text: String) {
        let lines = text.components(separatedBy: "\r\n").filter { !$0.isEmpty }
        line = lines.first ?? ""
        fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }
    }

    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}
