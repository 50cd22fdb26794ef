import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Why a request's body did not reach its end.
enum RequestBodyError: Error, Hashable {
    /// The connection or stream ended first.
    case incomplete
    /// The client sent nothing for the stall timeout, although the server was ready to read.
    case stalled
}

/// Asks a connection or an HTTP/2 stream to close immediately, even while it is being ended gracefully: the client does
/// not read the response, or the server must stop.
struct AbortEvent: Sendable {}

/// Reports to the route that a request ended early or has stalled, and closes a connection or stream whose client does
/// not read the response.
///
/// Only time in which the server waits for the client counts: slow storage is not the client's stall.
final class RequestBodyHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart

    private let limit: TimeAmount?
    /// Whether the request has not ended.
    private var isReading = false
    /// Whether the server has asked for more and nothing has arrived since.
    private var isAwaited = false
    /// When something was last received or asked for, or the channel last became writable.
    private var lastProgress = NIODeadline.uptimeNanoseconds(0)
    private var check: Scheduled<Void>?

    /// - Parameter limit: the stall timeout; nil for none.
    init(limit: Duration?) {
        self.limit = limit.map { TimeAmount($0) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: isReading = true
        case .body: break
        case .end: isReading = false
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
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

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        lastProgress = context.eventLoop.now
        if !context.channel.isWritable { watch(context) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        // A stream of HTTP/2 that is cut off looks like one that ended well.
        if isReading { context.fireErrorCaught(RequestBodyError.incomplete) }
        context.fireChannelInactive()
    }

    /// Checks once the time is over, and again if there was progress: one timer for a body, not one for each piece.
    private func watch(_ context: ChannelHandlerContext) {
        guard let limit, check == nil else { return }
        // While this side is slow no time counts; a deadline in the past would be checked again and again.
        let isWaiting = isAwaited || !context.channel.isWritable
        let deadline = (isWaiting ? lastProgress : context.eventLoop.now) + limit
        check = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            check = nil
            let isBlocked = !context.channel.isWritable
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
