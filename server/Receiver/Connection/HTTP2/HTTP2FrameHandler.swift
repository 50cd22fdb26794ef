import NIOCore
import NIOHTTP2

/// Passes only whole frames to the decoder (RFC 9113 §4.1), and closes a connection with too many unread frames.
///
/// The decoder appends new bytes to its buffer and starts a new buffer only at the end of a frame. With frames cut
/// anywhere else its buffers would grow, and each unread frame keeps one.
final class HTTP2FrameHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let headerLength = 9
    /// The longest payload that the server's settings allow: SwiftNIO's default (§6.5.2).
    private static let maximumPayload = 1 << 14

    private let pending: HTTP2PendingFrames
    private let connection: HTTP2ConnectionHandler
    /// Of the client's preface (§3.4), until it has been received.
    private var prefaceLength = 24
    /// The beginning of a frame that is incomplete.
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
        // A copy, which does not keep the whole read in memory.
        if bytes.readableBytes > 0 { rest.writeBytes(bytes.readableBytesView) }
        if pending.total > HTTP2PendingFrames.maximum { connection.closeForExcessiveLoad() }
    }

    private func lengthOfFrames(in bytes: ByteBuffer) -> Int {
        var end = bytes.readerIndex
        while true {
            let start = end + prefaceLength
            guard let length = bytes.getInteger(at: start, as: UInt32.self),
                start + Self.headerLength <= bytes.writerIndex,
                let number = bytes.getInteger(at: start + 5, as: Int32.self)
            else { break }
            // The decoder refuses a frame that is too long as soon as it sees the header.
            guard length >> 8 <= Self.maximumPayload else { return bytes.readableBytes }
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
