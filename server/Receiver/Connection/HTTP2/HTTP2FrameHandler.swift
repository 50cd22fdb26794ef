import NIOCore
import NIOHTTP2

/// Hands frames to the decoder in one piece (RFC 9113 §4.1), and ends a connection on which too many wait.
///
/// The decoder appends what comes to what it has, and begins a buffer anew only where a frame has ended with it: cut
/// anywhere else, its buffers grow, and each frame that waits keeps one.
final class HTTP2FrameHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let headerLength = 9
    /// The most that this side's settings allow, which are SwiftNIO's (§6.5.2).
    private static let longestPayload = 1 << 14

    private let pending: HTTP2PendingFrames
    private let connection: HTTP2ConnectionHandler
    /// What the client begins with (§3.4).
    private var prefaceLength = 24
    /// Of a frame whose end has not come.
    private var rest = ByteBuffer()

    init(_ pending: HTTP2PendingFrames, _ connection: HTTP2ConnectionHandler) {
        self.pending = pending
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if rest.readableBytes > 0 {
            rest.writeBuffer(&bytes)
            bytes = rest
            rest = ByteBuffer()
        }
        if let whole = bytes.readSlice(length: lengthOfFrames(in: bytes)), whole.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(whole))
        }
        // A copy, which does not keep the rest of what has been read.
        if bytes.readableBytes > 0 { rest.writeBytes(bytes.readableBytesView) }
        if pending.total > HTTP2PendingFrames.most { connection.giveUp() }
    }

    private func lengthOfFrames(in bytes: ByteBuffer) -> Int {
        var end = bytes.readerIndex
        while true {
            let start = end + prefaceLength
            guard let length = bytes.getInteger(at: start, as: UInt32.self),
                start + Self.headerLength <= bytes.writerIndex,
                let number = bytes.getInteger(at: start + 5, as: Int32.self)
            else { break }
            // The decoder refuses what is too long by its header.
            guard length >> 8 <= Self.longestPayload else { return bytes.readableBytes }
            guard start + Self.headerLength + Int(length >> 8) <= bytes.writerIndex else { break }
            end = start + Self.headerLength + Int(length >> 8)
            prefaceLength = 0
            // The first bit is reserved.
            let stream = HTTP2StreamID(number & .max)
            switch length & 0xFF {
            case 0: pending.dataArrived(on: stream)
            case 1: pending.headersArrived(on: stream)
            default: break
            }
        }
        return end - bytes.readerIndex
    }
}
