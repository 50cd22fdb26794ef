// Answers forms with the name and the length of each part, on SwiftNIO alone: `nio-receiver PORT`.
import Multipart
import NIOCore
import NIOHTTP1
import NIOPosix

typealias RequestPart = HTTPServerRequestPart
typealias ResponsePart = HTTPPart<HTTPResponseHead, ByteBuffer>
typealias Connection = NIOAsyncChannel<RequestPart, ResponsePart>

/// The content of one request, as chunks. It ends with the request, not with the connection.
struct Body: AsyncSequence {
    var parts: NIOAsyncChannelInboundStream<RequestPart>.AsyncIterator

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(parts: parts) }

    struct AsyncIterator: AsyncIteratorProtocol {
        var parts: NIOAsyncChannelInboundStream<RequestPart>.AsyncIterator

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBufferView? {
            guard case .body(let buffer) = try await parts.next(isolation: actor) else { return nil }
            return buffer.readableBytesView
        }
    }
}

/// Reads the form of one request. A form that ends early, or is none, is the sender's mistake.
func answer(to head: HTTPRequestHead, _ body: Body) async throws -> (HTTPResponseStatus, String) {
    var text = ""
    do {
        for try await part in try MultipartSequence(body, contentType: head.headers.first(name: "Content-Type")) {
            var length = 0
            for try await chunk in part.body { length += chunk.count }
            text += "\(part.head.name) \(length)\n"
        }
        return (.ok, text)
    } catch let error as MultipartError {
        return (.badRequest, error.description + "\n")
    }
}

/// Answers one request and closes the connection.
func serve(_ connection: Connection) async throws {
    try await connection.executeThenClose { inbound, outbound in
        var parts = inbound.makeAsyncIterator()
        guard case .head(let head) = try await parts.next() else { return }
        let (status, text) = try await answer(to: head, Body(parts: parts))
        let headers: HTTPHeaders = ["Content-Length": "\(text.utf8.count)", "Connection": "close"]
        try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
        try await outbound.write(.body(ByteBuffer(string: text)))
        try await outbound.write(.end(nil))
    }
}

guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
    fatalError("usage: nio-receiver PORT")
}
let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .bind(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandlers([
                ByteToMessageHandler(HTTPRequestDecoder()), HTTPResponseEncoder(), ResponseParts(),
            ])
            return try Connection(wrappingChannelSynchronously: channel)
        }
    }
print("listening on http://127.0.0.1:\(server.channel.localAddress?.port ?? 0)")
try await withThrowingDiscardingTaskGroup { group in
    try await server.executeThenClose { connections in
        for try await connection in connections {
            group.addTask {
                do { try await serve(connection) } catch { print("a connection failed: \(error)") }
            }
        }
    }
}

/// Gives the encoder the type of buffers that it wants.
final class ResponseParts: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part: HTTPServerResponsePart =
            switch unwrapOutboundIn(data) {
            case .head(let head): .head(head)
            case .body(let buffer): .body(.byteBuffer(buffer))
            case .end(let trailers): .end(trailers)
            }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}
