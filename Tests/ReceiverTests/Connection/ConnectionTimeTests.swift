import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import Testing

@testable import Receiver

@Suite("Timeouts of HTTP/1 connections", .timeLimit(.minutes(3)))
struct ConnectionTimeTests {
    /// Keeps written parts until they are released, like a socket whose client does not read.
    private final class Holder: ChannelOutboundHandler {
        typealias OutboundIn = HTTPServerResponsePart

        private var held: [EventLoopPromise<Void>] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if let promise { held.append(promise) }
        }

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            // EmbeddedChannel would close completely for any mode.
            guard mode == .all else {
                promise?.succeed()
                return
            }
            context.close(promise: promise)
        }

        func release() {
            defer { held = [] }
            for promise in held { promise.succeed() }
        }

        deinit { release() }
    }

    private struct Connection {
        let channel: EmbeddedChannel
        let holder = Holder()

        init(idle: Duration? = .seconds(60), stall: Duration? = .seconds(300), lingering: Duration = .seconds(10))
            throws
        {
            var limits = Receiver.ConnectionLimits()
            (limits.idle, limits.stall, limits.lingering.duration) = (idle, stall, lingering)
            let metrics = ServerMetrics()
            channel = EmbeddedChannel()
            let handler = HTTP1ConnectionHandler(
                limits: limits, traffic: TrafficHandler(metrics: metrics, budget: BufferBudget()), metrics: metrics,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), body: BodyFlag())
            try channel.pipeline.syncOperations.addHandlers([holder, handler])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        /// Receives and answers a request. The end of the response is not sent yet.
        func serve(_ fields: [(String, String)] = []) throws {
            let head = HTTPRequestHead(
                version: .http1_1, method: .GET, uri: "/", headers: HTTPHeaders([("Host", "x")] + fields))
            try channel.writeInbound(HTTPServerRequestPart.head(head))
            try channel.writeInbound(HTTPServerRequestPart.end(nil))
            let response = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])
            channel.write(HTTPServerResponsePart.head(response), promise: nil)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }

        func pass(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }
    }

    @Test("an idle connection is closed after the idle timeout") func idle() throws {
        let connection = try Connection()
        connection.pass(30)
        try connection.serve()
        connection.holder.release()
        for idle in [connection, try Connection()] {
            idle.pass(59)
            #expect(idle.channel.isActive)
            idle.pass(1)
            #expect(!idle.channel.isActive)
        }
    }

    @Test(
        "a connection stays open while it is within the idle timeout",
        arguments: [(nil, 300), (1000, 300), (1000, 10)] as [(Int?, Int)])
    func idleAllowed(idle: Int?, stall: Int) throws {
        let connection = try Connection(idle: idle.map { .seconds($0) }, stall: .seconds(stall))
        for _ in 0..<9 {
            connection.pass(100)
            #expect(connection.channel.isActive)
        }
        try connection.serve()
        connection.holder.release()
        connection.pass(900)
        #expect(connection.channel.isActive)
    }

    @Test(
        "a client that reads the response late gets all of it; only then do the timeouts begin",
        arguments: [[], [("Connection", "close")]])
    func readLate(fields: [(String, String)]) throws {
        let connection = try Connection(idle: .seconds(5))
        try connection.serve(fields)
        connection.pass(100)
        #expect(connection.channel.isActive, "its end has not been sent")
        connection.holder.release()
        connection.pass(4)
        #expect(connection.channel.isActive)
        connection.pass(10)
        #expect(!connection.channel.isActive)
    }

    @Test(
        "a response that the client does not read is aborted after the stall timeout",
        arguments: [[], [("Connection", "close")]])
    func neverRead(fields: [(String, String)]) throws {
        let connection = try Connection(idle: .seconds(5))
        try connection.serve(fields)
        connection.pass(299)
        #expect(connection.channel.isActive)
        connection.pass(10)
        #expect(!connection.channel.isActive)
    }

    @Test("a stopping server closes the connection after the response has been sent") func stopping() throws {
        let connection = try Connection()
        try connection.serve()
        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(connection.channel.isActive)
        connection.holder.release()
        #expect(!connection.channel.isActive)
    }

    @Test("a client that has closed its sending side can read the rest of the response") func halfClosed() throws {
        let connection = try Connection()
        try connection.serve([("Connection", "close")])
        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(connection.channel.isActive)
        connection.holder.release()
        #expect(!connection.channel.isActive)
    }

    @Test("an abort closes a connection whose response is unsent; an ordinary close does not") func abort() throws {
        let connection = try Connection(idle: nil, stall: nil)
        try connection.serve([("Connection", "close")])
        connection.channel.close(promise: nil)
        #expect(connection.channel.isActive)
        connection.channel.triggerUserOutboundEvent(AbortEvent(), promise: nil)
        #expect(!connection.channel.isActive)
    }
}
