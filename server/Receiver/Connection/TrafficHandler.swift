import NIOCore

/// Counts a connection, and what goes over it, as it goes over it.
final class TrafficHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let metrics: ServerMetrics
    private let share: BufferShare
    /// While it is being decoded.
    private var read = ByteBuffer()
    private var isAtStart = false
    private var isCounted = false

    /// - Parameter share: of connections.
    init(metrics: ServerMetrics, share: BufferShare) {
        self.metrics = metrics
        self.share = share
    }

    /// What stands where a request begins (RFC 9112 §3), as far as that can be told: the decoder has one word for a
    /// method that it does not know and for what is no HTTP at all, and one for another version and for a line that
    /// does not end as it should.
    ///
    /// - Returns: nil where it is not known where it begins: behind another request, or in an earlier read.
    var requestLine: RequestLine? { isAtStart ? RequestLine(read.readableBytesView) : nil }

    /// Something has been decoded of what is being read.
    func partDecoded() { isAtStart = false }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isCounted {
            metrics.connectionClosed()
            share.leave()
        }
        isCounted = false
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        read = unwrapInboundIn(data)
        isAtStart = true
        metrics.received(read.readableBytes)
        context.fireChannelRead(data)
        read = ByteBuffer()
        isAtStart = false
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        metrics.sent(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }

    private func begin() {
        guard !isCounted else { return }
        isCounted = true
        metrics.connectionOpened()
        share.join()
    }
}
