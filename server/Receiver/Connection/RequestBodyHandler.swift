import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Why a request's body does not come to its end.
enum RequestBodyError: Error, Hashable {
    /// The connection, or the stream, has ended before.
    case incomplete
    /// Nothing has come for too long, though it would have been taken.
    case stalled
}

/// Tells a route where a request ends too early, or no longer goes on, and ends a connection, or a stream,
/// whose client does not take its response.
///
/// Only what the client is waited for counts: a disk that is slow stalls nobody but itself.
final class RequestBodyHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limit: TimeAmount?
    /// Whether more of the request is to come.
    private var isReading = false
    /// Whether it would be taken. Nothing has come since.
    private var isAwaited = false
    /// When something has last been read, or been asked for, or could be written.
    private var lastProgress = NIODeadline.uptimeNanoseconds(0)
    private var check: Scheduled<Void>?

    /// - Parameter limit: nil where a client may take any time.
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
        // A stream of HTTP/2 just ends, as one that has ended well.
        if isReading { context.fireErrorCaught(RequestBodyError.incomplete) }
        context.fireChannelInactive()
    }

    /// Looks after the time, and again if there was progress: one timer for a body, not one for each piece.
    private func watch(_ context: ChannelHandlerContext) {
        guard let limit, check == nil else { return }
        // While this side is slow, nothing counts: to look at once again would be to look for ever.
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
