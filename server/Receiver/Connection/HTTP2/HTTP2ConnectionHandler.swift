import NIOCore
import NIOHTTP2

/// Completes SwiftNIO's management of HTTP/2 connections. It stands before the management handler.
///
/// - It closes a connection after an error of the connection, not of one stream (RFC 9113 §5.4.1). SwiftNIO has then
///   written a `GOAWAY` with the error's code, but reports both kinds alike.
/// - It tells the management handler, which is added after TLS has been negotiated, that the connection is active.
/// - It closes a connection whose client does not answer the `PING` that goes with a `GOAWAY`: the management handler
///   would wait forever.
final class HTTP2ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let pingTimeout: TimeAmount
    private var context: ChannelHandlerContext?
    private var timeout: Scheduled<Void>?
    private var hasFailed = false

    /// - Parameter pingTimeout: how long the answer to a `PING` may take.
    init(pingTimeout: Duration) {
        self.pingTimeout = TimeAmount(pingTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timeout?.cancel()
    }

    /// Tells the handlers behind this one that the connection is active.
    func activate() { context?.fireChannelActive() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .ping(_, ack: true) = unwrapInboundIn(data).payload {
            timeout?.cancel()
            timeout = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .ping(_, ack: false) = unwrapOutboundIn(data).payload, timeout == nil {
            timeout = context.eventLoop.assumeIsolated().scheduleTask(in: pingTimeout) { context.close(promise: nil) }
        }
        context.write(data, promise: promise)
    }

    func wroteFrame(_ frame: HTTP2Frame) {
        if case .goAway(_, let code, _) = frame.payload, code != .noError { hasFailed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard hasFailed || !(error is any NIOHTTP2Error) else { return context.fireErrorCaught(error) }
        context.close(promise: nil)
    }

    /// Closes the connection of a client that causes excessive load (RFC 9113 §10.5).
    func closeForExcessiveLoad() {
        guard let context else { return }
        let goAway = HTTP2Frame.FramePayload.goAway(
            lastStreamID: .maxID, errorCode: .enhanceYourCalm, opaqueData: nil)
        context.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: goAway)), promise: nil)
        context.close(promise: nil)
    }
}
