import NIOCore
import NIOHTTP2

/// What SwiftNIO's management of HTTP/2 connections leaves to do: it stands before that.
///
/// - It closes a connection behind an error that is not one stream's alone (RFC 9113 §5.4.1): SwiftNIO has written a
///   `GOAWAY` with its code then, and reports both kinds alike.
/// - It tells the management, which is added once TLS has been negotiated, that the connection is there.
/// - It ends a connection whose client does not answer the `PING` that goes with a `GOAWAY`: the management would wait
///   for it for ever.
final class HTTP2ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let patience: TimeAmount
    private var context: ChannelHandlerContext?
    private var end: Scheduled<Void>?
    private var hasFailed = false

    /// - Parameter patience: how long a `PING` may take.
    init(patience: Duration) {
        self.patience = TimeAmount(patience)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end?.cancel()
    }

    /// The handlers behind are there.
    func begin() { context?.fireChannelActive() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .ping(_, ack: true) = unwrapInboundIn(data).payload {
            end?.cancel()
            end = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .ping(_, ack: false) = unwrapOutboundIn(data).payload, end == nil {
            end = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
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

    /// What it asks for takes more than it is worth (RFC 9113 §10.5).
    func giveUp() {
        guard let context else { return }
        let goAway = HTTP2Frame.FramePayload.goAway(
            lastStreamID: .maxID, errorCode: .enhanceYourCalm, opaqueData: nil)
        context.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: goAway)), promise: nil)
        context.close(promise: nil)
    }
}
