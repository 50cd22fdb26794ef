import NIOCore

/// Ends a connection on which TLS does not come about: after the time that an idle one has, or when the server stops.
/// It is there until it does.
final class NegotiationHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let limit: TimeAmount?
    private var end: Scheduled<Void>?

    /// - Parameter limit: nil where a client may take any time.
    init(limit: Duration?) {
        self.limit = limit.map { TimeAmount($0) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let limit else { return }
        end = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
