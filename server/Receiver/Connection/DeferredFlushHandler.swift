// Exists for the figure of `make bench-server`: requests per second rise from 0.70 to 0.94-0.97 of an empty Hummingbird
// route, with 256 connections of wrk on the same two cores. See docs/ARCHITECTURE.md, "Turns".

import NIOCore

/// Hands written bytes to the kernel after the tasks of the event loop have run, instead of after each write.
///
/// The responses of many connections then leave together. If each left at once, its client would wake up for it and take
/// a core away from the server: short requests are answered a third more often with this handler. If the event loop has
/// nothing else to do, bytes leave without delay.
final class DeferredFlushHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = IOData

    private var isPending = false

    func flush(context: ChannelHandlerContext) {
        guard !isPending else { return }
        isPending = true
        context.eventLoop.assumeIsolated().execute { [self] in flushIfPending(context) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Closing discards bytes that have not been flushed.
        flushIfPending(context)
        context.close(mode: mode, promise: promise)
    }

    private func flushIfPending(_ context: ChannelHandlerContext) {
        guard isPending else { return }
        isPending = false
        context.flush()
    }
}
