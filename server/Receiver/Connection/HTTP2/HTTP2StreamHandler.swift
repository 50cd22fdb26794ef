import HTTPTypes
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2

/// Lets an answer that is given before its request has been read reach the client: reads and discards the rest,
/// within the bounds that hold for HTTP/1.1 too, then resets the stream.
///
/// RFC 9113 §8.1 allows the reset at once, but some clients, libcurl 7.88 for one, then lose the answer.
///
/// A response whose end is not taken is given up.
final class HTTP2StreamHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: Receiver.ConnectionLimits
    private let share: BufferShare
    private let pending: HTTP2PendingFrames
    private var id = HTTP2StreamID.rootStream
    private var isCounted = false
    /// Whether more of the request is to come.
    private var isReading = true
    /// How much of it has been thrown away; nil while the answer is to come.
    private var discarded: Int?
    /// First of the response's end, on its way; then of what is thrown away.
    private var end: Scheduled<Void>?

    /// - Parameter share: of connections, and of streams.
    init(limits: Receiver.ConnectionLimits, share: BufferShare, pending: HTTP2PendingFrames) {
        self.limits = limits
        self.share = share
        self.pending = pending
    }

    func handlerAdded(context: ChannelHandlerContext) {
        isCounted = true
        share.join()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    private func leave() {
        end?.cancel()
        pending.closed(id)
        if isCounted { share.leave() }
        isCounted = false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch part {
        case .head: id = (try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)) ?? id
        case .body: break
        case .end: isReading = false
        }
        guard let discarded else { return context.fireChannelRead(data) }
        guard case .body(let bytes) = part else { return }
        self.discarded = discarded + bytes.readableBytes
        if discarded + bytes.readableBytes > limits.lingering.bytes { reset(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pending.taken(by: id)
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
        guard case .end = part else { return context.write(data, promise: promise) }
        let written = promise ?? context.eventLoop.makePromise()
        end = limits.stall.map { stall in
            context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(stall)) { context.close(promise: nil) }
        }
        context.write(data, promise: written)
        written.futureResult.assumeIsolated().whenComplete { [self] _ in endWritten(context) }
        guard isReading else { return }
        discarded = 0
        context.flush()
        context.read()
    }

    /// Only now does a client's time begin to read it.
    private func endWritten(_ context: ChannelHandlerContext) {
        end?.cancel()
        guard discarded != nil, context.channel.isActive else { return }
        end = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.lingering.duration)) { [self] in
            reset(context)
        }
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
        leave()
        context.fireChannelInactive()
    }

    private func reset(_ context: ChannelHandlerContext) {
        context.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: .noError), promise: nil)
    }
}
