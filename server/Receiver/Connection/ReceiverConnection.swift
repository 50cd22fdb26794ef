import HummingbirdCore
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import Synchronization

/// A connection that has been accepted, of whichever version of HTTP.
struct ReceiverConnection: ServerChildChannelValue {
    /// Streams of HTTP/2, each a request.
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<Exchanges>

    enum Version: Sendable {
        case http1(Exchanges)
        case http2(Streams)
    }

    let channel: any Channel
    /// Known once TLS has been negotiated; fails where that does.
    let version: EventLoopFuture<Version>
}

/// What carries requests and responses, one after another, and may never be served: a server that stops drops
/// what it has not begun with.
///
/// A `NIOAsyncChannel` that is just dropped ends the process
/// (https://github.com/apple/swift-nio/issues/2813): what is not served is closed here.
final class Exchanges: Sendable {
    typealias Parts = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// Nil once it is being served.
    private let waiting: Mutex<Parts?>

    init(_ parts: Parts) {
        waiting = Mutex(parts)
    }

    deinit {
        guard let parts = take() else { return }
        Task { try? await parts.executeThenClose { _, _ in } }
    }

    /// For the one caller who serves it and closes it.
    func take() -> Parts? { waiting.withLock { $0.take() } }
}
