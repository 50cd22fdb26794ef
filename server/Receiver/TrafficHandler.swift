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
    private var isCounted = false

    /// - Parameter share: of connections.
    init(metrics: ServerMetrics, share: BufferShare) {
        self.metrics = metrics
        self.share = share
    }

    /// Whether what is being decoded begins as a request does (`method SP`, RFC 9112 §3): the decoder calls a
    /// method that it does not know by the same name as what is no HTTP at all.
    var beginsWithMethod: Bool {
        let token = read.readableBytesView.prefix { $0 != UInt8(ascii: " ") }
        return (1...64).contains(token.count) && token.count < read.readableBytes && token.allSatisfy(\.isTokenByte)
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
            share.leave()
        }
        isCounted = false
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        read = unwrapInboundIn(data)
        metrics.received(read.readableBytes)
        context.fireChannelRead(data)
        read = ByteBuffer()
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

extension UInt8 {
    /// RFC 9110 §5.6.2.
    fileprivate var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
