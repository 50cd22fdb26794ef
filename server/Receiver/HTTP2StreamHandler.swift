import HTTPTypes
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2

/// Lets an answer that is given before its request has been read reach the client: reads and discards the rest,
/// within the bounds that hold for HTTP/1.1 too, then resets the stream.
///
/// RFC 9113 §8.1 allows the reset at once, but some clients, libcurl 7.88 for one, then lose the answer.
final class HTTP2StreamHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: Receiver.LingeringLimits
    /// Whether more of the request is to come.
    private var isReading = true
    /// How much of it has been thrown away; nil while the answer is to come.
    private var discarded: Int?
    private var end: Scheduled<Void>?

    init(limits: Receiver.LingeringLimits) {
        self.limits = limits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .end = part { isReading = false }
        guard let discarded else { return context.fireChannelRead(data) }
        guard case .body(let bytes) = part else { return }
        self.discarded = discarded + bytes.readableBytes
        if discarded + bytes.readableBytes > limits.bytes { reset(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Nobody behind this handler asks for what is only discarded.
        if discarded != nil { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if case .head(var head) = part, head.headerFields[.connection] != nil {
            // Of HTTP/1 only (RFC 9113 §8.2.2).
            head.headerFields[.connection] = nil
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        }
        context.write(data, promise: promise)
        guard case .end = part, isReading else { return }
        discarded = 0
        end = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.duration)) { [self] in
            reset(context)
        }
        context.flush()
        context.read()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        guard discarded != nil else { return context.close(mode: mode, promise: promise) }
        // It is about to be.
        context.channel.closeFuture.cascade(to: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is AbortEvent else { return context.triggerUserOutboundEvent(event, promise: promise) }
        context.close(promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        context.fireChannelInactive()
    }

    private func reset(_ context: ChannelHandlerContext) {
        context.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: .noError), promise: nil)
    }
}
