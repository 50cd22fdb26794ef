import Foundation
import Synchronization

/// A raw-socket HTTP server for tests, as wrong as a test wants it, until the process ends or ``stop()``: each connection is handed to a
/// closure on a thread of its own, which reads and writes as it likes.
public final class FaultServer: Sendable {
    /// No other server of this process gets it, also after ``stop()``.
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
        receiveBuffer: Int32? = nil, _ handler: @escaping @Sendable (RawConnection) throws -> Void
    ) throws {
        let free = try LoopbackPort.free()
        guard let (descriptor, _) = LoopbackPort.bind(free, shared: true) else {
            throw FaultError("cannot bind: errno \(errno)")
        }
        (port, listener) = (UInt16(free), descriptor)
        if var receiveBuffer {
            setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        guard listen(listener, 128) == 0 else { throw FaultError("cannot listen: errno \(errno)") }
        Thread.detachNewThread { [self] in acceptLoop(handler) }
    }

    private func acceptLoop(_ handler: @escaping @Sendable (RawConnection) throws -> Void) {
        // Closed by the thread that uses it: another socket may have its number at once.
        defer { close(listener) }
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
                let connection = RawConnection(accepted: descriptor, number: accepted)
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
        // Refuses connections from now on, and ends accept(2).
        shutdown(listener, Int32(SHUT_RDWR))
    }

}

public struct FaultError: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
