import HTTPTypes
import Logging
import NIOCore
import NIOHTTP2
import Synchronization

/// Logs and counts one request when it has ended. A response may end long after the route has returned it, and its
/// content may never begin.
final class RequestRecord: Sendable {
    private struct State {
        var bytes = 0
        var parts = 0
        var isEnded = false
    }

    enum Ending {
        /// The whole response was given.
        case complete
        /// The client closed the connection.
        case lost
        /// The server stopped first.
        case cutOff
        /// The request was refused, or its response was cut off.
        case failed(reason: String)

        init(_ error: any Error) {
            switch error {
            case is CancellationError: self = .cutOff
            case is ChannelError, is IOError, is NIOHTTP2Errors.StreamClosed: self = .lost
            default: self = .failed(reason: "\(error)")
            }
        }
    }

    private let head: HTTPRequest
    private let client: SocketAddress?
    private let logger: Logger
    private let metrics: ServerMetrics
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    /// - Parameter client: the address of the connection's other end, which may be a proxy.
    init(_ head: HTTPRequest, from client: SocketAddress?, logger: Logger, metrics: ServerMetrics) {
        self.head = head
        self.client = client
        self.logger = logger
        self.metrics = metrics
        metrics.requestBegan()
    }

    deinit {
        // RFC 9110 has no status for this; nginx and others use 499.
        end(.init(code: 499, reasonPhrase: "Client Closed Request"), .lost)
    }

    /// - Parameters:
    ///   - bytes: of the body, as sent over the connection: the request's body, or the file in the response.
    ///   - parts: of a form.
    func count(bytes: Int, parts: Int = 0) {
        state.withLock { ($0.bytes, $0.parts) = (bytes, parts) }
    }

    /// Logs and counts the request. Only the first call has an effect.
    func end(_ status: HTTPResponse.Status, _ ending: Ending = .complete) {
        let (state, isFirst) = state.withLock { state in
            defer { state.isEnded = true }
            return (state, !state.isEnded)
        }
        guard isFirst else { return }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        metrics.requestEnded(head.method, status, seconds: seconds)
        let (level, reason): (Logger.Level, String?) =
            switch ending {
            case .complete: (.info, nil)
            case .lost: (.info, "the connection was lost")
            case .cutOff: (.warning, "the server stopped")
            case .failed(let reason): (.warning, reason)
            }
        if case .cutOff = ending { metrics.requestCutOff() }
        guard logger.logLevel <= level else { return }
        let rate = seconds > 0 ? Double(state.bytes) / 1e6 / seconds : 0
        // Without the query, which may hold secrets.
        let path = head.pathWithoutQuery
        var metadata: Logger.Metadata = [
            "http.method": "\(head.method.rawValue)",
            "http.path": "\(path)",
            "http.status": .stringConvertible(status.code),
            "bytes": .stringConvertible(state.bytes),
            "seconds": .stringConvertible((seconds * 1e6).rounded() / 1e6),
            "MB/s": .stringConvertible((rate * 10).rounded() / 10),
            "parts": .stringConvertible(state.parts),
        ]
        if let address = client?.ipAddress { metadata["client"] = "\(address)" }
        if let reason { metadata["reason"] = "\(reason)" }
        logger.log(level: level, "\(head.method.rawValue) \(path) \(status.code)", metadata: metadata)
    }
}
