import HTTPTypes
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2

/// Delivers a response that is given before its request has been read: reads and discards the rest of the request,
/// within the limits that also hold for HTTP/1.1, and then resets the stream.
///
/// RFC 9113 §8.1 allows an immediate reset, but some clients (libcurl 7.88 for one) then lose the response.
///
/// Also closes a stream whose client does not read the response.
final class HTTP2StreamHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: Receiver.ConnectionLimits
    private let budget: BufferBudget
    private let pending: HTTP2PendingFrames
    private var id = HTTP2StreamID.rootStream
    private var isCounted = false
    /// Whether the request has not ended.
    private var isReading = true
    /// How many bytes of the request have been discarded; nil until the response has been written.
    private var discarded: Int?
    /// First limits how long the end of the response may wait to be sent, then how long the request is discarded.
    private var timeout: Scheduled<Void>?

    /// - Parameter budget: of all connections and streams.
    init(limits: Receiver.ConnectionLimits, budget: BufferBudget, pending: HTTP2PendingFrames) {
        self.limits = limits
        self.budget = budget
        self.pending = pending
    }

    func handlerAdded(context: ChannelHandlerContext) {
        isCounted = true
        budget.join()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    private func leave() {
        timeout?.cancel()
        pending.closed(id)
        if isCounted { budget.leave() }
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
        pending.framesRead(on: id)
        context.fireChannelReadComplete()
        // The handlers behind this one do not ask for bytes that are discarded.
        if discarded != nil { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if case .head(var head) = part, head.headerFields[.connection] != nil {
            // A field of HTTP/1 only (RFC 9113 §8.2.2).
            head.headerFields[.connection] = nil
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        }
        guard case .end = part else { return context.write(data, promise: promise) }
        let written = promise ?? context.eventLoop.makePromise()
        timeout = limits.stall.map { stall in
            context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(stall)) { context.close(promise: nil) }
        }
        context.write(data, promise: written)
        written.futureResult.assumeIsolated().whenComplete { [self] _ in endWritten(context) }
        guard isReading else { return }
        discarded = 0
        context.flush()
        context.read()
    }

    /// The client's time to read the response begins when all of it has been sent.
    private func endWritten(_ context: ChannelHandlerContext) {
        timeout?.cancel()
        guard discarded != nil, context.channel.isActive else { return }
        timeout = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.lingering.duration)) { [self] in
            reset(context)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        guard discarded != nil else { return context.close(mode: mode, promise: promise) }
        // The stream will be closed when its request has been discarded.
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
