import NIOCore

/// Counts connections and their bytes for the metrics, and registers each connection with the buffer budget.
final class TrafficHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData

    private let metrics: ServerMetrics
    private let budget: BufferBudget
    /// The bytes that are being decoded.
    private var read = ByteBuffer()
    private var isAtStart = false
    private var byteCount = 0
    private var isCounted = false

    /// - Parameter budget: of all connections.
    init(metrics: ServerMetrics, budget: BufferBudget) {
        self.metrics = metrics
        self.budget = budget
    }

    /// The line that the decoder has refused, as far as it can be told: for the decoder an unknown method and bytes that
    /// are no HTTP are the same error, and so are another version and a line that ends wrongly.
    ///
    /// - Returns: nil if the beginning of the line is unknown: it follows another request, or was in an earlier read.
    var requestLine: RequestLine? { isAtStart ? RequestLine(read.readableBytesView) : nil }

    /// The decoder has decoded a part of the bytes that are being read.
    func partDecoded() { isAtStart = false }

    /// The number of bytes that have been received since the last call.
    func takeByteCount() -> Int {
        defer { byteCount = 0 }
        return byteCount
    }

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
            budget.leave()
        }
        isCounted = false
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        read = unwrapInboundIn(data)
        isAtStart = true
        byteCount += read.readableBytes
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
        budget.join()
    }
}
