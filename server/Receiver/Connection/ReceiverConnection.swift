import HummingbirdCore
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import Synchronization

/// An accepted connection, of any version of HTTP.
struct ReceiverConnection: ServerChildChannelValue {
    /// Streams of HTTP/2. Each is one request.
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<RequestChannel>

    enum Version: Sendable {
        case http1(RequestChannel)
        case http2(Streams)
    }

    let channel: any Channel
    /// Known after TLS has been negotiated; fails if the handshake fails.
    let version: EventLoopFuture<Version>
}

/// Carries requests and responses, one after another. May never be served: a server that stops drops the connections
/// that it has not begun to serve.
///
/// A `NIOAsyncChannel` that is dropped without being closed ends the process
/// (https://github.com/apple/swift-nio/issues/2813), so an unserved one is closed here.
final class RequestChannel: Sendable {
    typealias Parts = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// Nil once it is being served.
    private let unserved: Mutex<Parts?>

    init(_ parts: Parts) {
        unserved = Mutex(parts)
    }

    deinit {
        guard let parts = take() else { return }
        Task { try? await parts.executeThenClose { _, _ in } }
    }

    /// For the one caller who serves it and closes it.
    func take() -> Parts? { unserved.withLock { $0.take() } }
}
