import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Why a request's body did not reach its end.
enum RequestBodyError: Error, Hashable {
    /// The connection or stream ended first.
    case incomplete
    /// The client sent nothing for the stall timeout, although the server was ready to read.
    case stalled
    /// The client sent too many bytes that are not content, such as extensions of chunks.
    case excessiveFraming
}

/// Asks a connection or an HTTP/2 stream to close immediately, even while it is being ended gracefully: the client does
/// not read the response, or the server must stop.
struct AbortEvent: Sendable {}

/// Asks an HTTP/1 connection to read only a little of a request after its early response, because the client can do without
/// the response.
struct BriefLingering: Sendable {
    /// The most bytes to read and discard.
    static let bytes = 1 << 20
}

/// Reports to the route that a request ended early or has stalled, and closes a connection or stream whose client does
/// not read the response. Joins small pieces of the content that arrive in one read: each piece takes a route some
/// microseconds, however small it is.
///
/// Only time in which the server waits for the client counts: slow storage is not the client's stall.
final class RequestBodyHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart

    /// Pieces are joined up to this length. A larger piece is passed on without being copied.
    private static let joinedLength = 16 * 1024

    private let limit: TimeAmount?
    /// Whether the request has not ended.
    private var isReading = false
    /// Whether the server has asked for more and nothing has arrived since.
    private var isAwaited = false
    /// When something was last received, asked for or sent, or the channel last became writable.
    private var lastProgress = NIODeadline.uptimeNanoseconds(0)
    private var check: Scheduled<Void>?
    /// Content that has been received and not passed on; empty between reads.
    private var content = ByteBuffer()
    /// Pieces of a response that a route waits for.
    private var unsentPieces = 0
    /// Not needed by this handler, which sees both ends of a request.
    private let trailers = RequestTrailers()

    /// - Parameter limit: the stall timeout; nil for none.
    init(limit: Duration?) {
        self.limit = limit.map { TimeAmount($0) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: isReading = true
        case .body(let bytes): return join(bytes, context)
        case .end(let trailer):
            isReading = false
            trailers.requestEnded(trailer)
        }
        passContent(context)
        context.fireChannelRead(data)
    }

    private func join(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        if content.readableBytes + bytes.readableBytes > Self.joinedLength { passContent(context) }
        if content.readableBytes == 0 {
            content = bytes
        } else {
            content.writeImmutableBuffer(bytes)
        }
    }

    private func passContent(_ context: ChannelHandlerContext) {
        guard content.readableBytes > 0 else { return }
        let bytes = content
        content = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(.body(bytes)))
    }

    /// The fields behind the body of the request that is answered next. To be read after that body.
    var trailer: HTTPFields { trailers.current }

    func channelReadComplete(context: ChannelHandlerContext) {
        passContent(context)
        isAwaited = false
        context.fireChannelReadComplete()
        if isReading { watch(context) }
    }

    func read(context: ChannelHandlerContext) {
        if isReading, !isAwaited {
            isAwaited = true
            lastProgress = context.eventLoop.now
        }
        context.read()
    }

    /// A piece that a route waits for may wait for the client while the channel is writable, which buffers some KiB.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { trailers.responseEnded() }
        guard let promise, limit != nil, case .body = unwrapOutboundIn(data) else {
            return context.write(data, promise: promise)
        }
        if unsentPieces == 0 { lastProgress = context.eventLoop.now }
        unsentPieces += 1
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in
            unsentPieces -= 1
            lastProgress = context.eventLoop.now
        }
        context.write(data, promise: promise)
        watch(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        lastProgress = context.eventLoop.now
        if !context.channel.isWritable { watch(context) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        passContent(context)
        context.fireErrorCaught(error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        passContent(context)
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        passContent(context)
        // A stream of HTTP/2 that is cut off looks like one that ended well.
        if isReading { context.fireErrorCaught(RequestBodyError.incomplete) }
        context.fireChannelInactive()
    }

    /// Whether a response waits for the client to read.
    private func isBlocked(_ context: ChannelHandlerContext) -> Bool {
        unsentPieces > 0 || !context.channel.isWritable
    }

    /// Checks once the time is over, and again if there was progress: one timer for a body, not one for each piece.
    private func watch(_ context: ChannelHandlerContext) {
        guard let limit, check == nil else { return }
        // While this side is slow no time counts; a deadline in the past would be checked again and again.
        let isWaiting = isAwaited || isBlocked(context)
        let deadline = (isWaiting ? lastProgress : context.eventLoop.now) + limit
        check = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            check = nil
            let isBlocked = isBlocked(context)
            guard isReading || isBlocked, context.channel.isActive else { return }
            guard isAwaited || isBlocked, lastProgress + limit <= context.eventLoop.now else { return watch(context) }
            if isBlocked {
                context.triggerUserOutboundEvent(AbortEvent(), promise: nil)
            } else {
                context.fireErrorCaught(RequestBodyError.stalled)
            }
        }
    }
}
