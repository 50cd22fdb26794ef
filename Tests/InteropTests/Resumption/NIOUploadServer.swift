import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix
import NIOResumableUpload
import TestSupport

/// The server of swift-nio-extras for resumable uploads, interop version 6, which keeps what it receives.
final class NIOUploadServer: Sendable {
    private let channel: any Channel
    let bodies: Shared<[[UInt8]]>
    private let context: Shared<HTTPResumableUploadContext?>

    var port: Int { channel.localAddress?.port ?? 0 }

    init() async throws {
        let (bodies, context) = (Shared<[[UInt8]]>([]), Shared<HTTPResumableUploadContext?>(nil))
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context = context.value else { throw FaultError("the origin is not known yet") }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
                    try channel.pipeline.syncOperations.addHandler(
                        HTTPResumableUploadHandler(context: context, handlers: [BodyHandler(bodies)]))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        (self.bodies, self.context) = (bodies, context)
    }

    /// Sets the origin of the locations: that of the proxy before the server.
    func setOrigin(_ url: String) {
        context.set(HTTPResumableUploadContext(origin: url.hasSuffix("/") ? String(url.dropLast()) : url))
    }

    func stop() async throws { try await channel.close() }
}

/// Collects a body and answers 201 with its length.
private final class BodyHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private let bodies: Shared<[[UInt8]]>
    private var body: [UInt8] = []

    init(_ bodies: Shared<[[UInt8]]>) { self.bodies = bodies }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: break
        case .body(let bytes): body += Array(bytes.readableBytesView)
        case .end:
            bodies.append(body)
            let text = "\(body.count)"
            let head = HTTPResponse(status: .created, headerFields: [.contentLength: "\(text.utf8.count)"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(ByteBuffer(string: text))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
