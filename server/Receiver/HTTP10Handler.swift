import NIOCore
import NIOHTTP1

/// Keeps from HTTP/1.0 clients what only a chunked body could carry: a coded answer has no length, and
/// they know no chunks (RFC 9112 §6.1). Behind this, nothing knows the version.
final class HTTP10Handler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.version == .http1_0 else {
            return context.fireChannelRead(data)
        }
        head.headers.remove(name: "Accept-Encoding")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
