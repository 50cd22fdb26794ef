import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1

/// Keeps a connection of HTTP/1.x, or ends it, as both sides and the versions of the protocol say.
///
/// It also lets an answer that is given before its request has been read reach the client (RFC 9112
/// §9.6). To close right away would send a reset, at which the client's system throws the answer
/// away; to read on for ever is what the client, or an attacker, decides. So: half-close, read and
/// discard within bounds, close. And it answers what is no HTTP at all.
///
/// It stands between the decoder and what turns HTTP/1.x into HTTP of no version.
final class HTTP1ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: Receiver.ConnectionLimits
    private let traffic: TrafficHandler
    private let metrics: ServerMetrics
    private var machine: StateMachine
    private var end: Scheduled<Void>?
    private var idleSince = NIODeadline.now()
    private var patience: TimeAmount

    init(limits: Receiver.ConnectionLimits, traffic: TrafficHandler, metrics: ServerMetrics) {
        self.limits = limits
        self.traffic = traffic
        self.metrics = metrics
        machine = StateMachine(limit: limits.lingering.bytes)
        patience = TimeAmount(limits.lingering.duration)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { waitForRequest(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        waitForRequest(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if case .pass(let head) = machine.headArrived(head) {
                context.fireChannelRead(wrapInboundOut(.head(head)))
            }
        case .body(let bytes):
            act(on: machine.bodyArrived(count: bytes.readableBytes), data, context)
        case .end:
            act(on: machine.requestEnded(), data, context)
        }
    }

    private func act(on action: StateMachine.ReadAction, _ data: NIOAny, _ context: ChannelHandlerContext) {
        switch action {
        case .pass: context.fireChannelRead(data)
        case .discard: break
        case .close: context.close(promise: nil)
        }
    }

    func read(context: ChannelHandlerContext) {
        if !machine.isDeaf { context.read() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Nobody behind this handler asks for what is only discarded.
        if machine.isLingering { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            context.write(wrapOutboundOut(.head(machine.responseBegan(head))), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            switch machine.responseEnded() {
            case .pass(let isIdle):
                if isIdle { idleSince = .now() }
                context.write(data, promise: promise)
            case .linger:
                linger(context, after: data, promise)
            case .close:
                close(context, after: data, promise)
            case .answer(let refusal):
                context.write(data, promise: promise)
                answer(refusal, context)
            }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard machine.isLingering, mode != .input else { return context.close(mode: mode, promise: promise) }
        // It is about to be, and whoever asks again will not make it earlier.
        context.channel.closeFuture.cascade(to: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            if machine.inputClosed() == .close { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent:
            patience = min(patience, .seconds(1))
            if machine.quiescingBegan() == .close { context.close(promise: nil) }
        default:
            break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch machine.errorCaught((error as? HTTPParserError).map { refusal(of: $0) }) {
        case .pass: context.fireErrorCaught(error)
        case .discard: break
        case .answer(let refusal): answer(refusal, context)
        }
    }

    private func refusal(of error: HTTPParserError) -> Refusal {
        switch error {
        case .invalidMethod where traffic.beginsWithMethod: .notImplemented
        // The latter where HTTP/2 is begun without asking.
        case .invalidVersion, .paused: Refusal(.versionNotSupported, "this server speaks HTTP/1.1 and HTTP/1.0 here")
        case .headerOverflow: Refusal(.headerTooLarge, "the header has more bytes than this server takes")
        default: Refusal(.malformed, "this is not valid HTTP/1.1")
        }
    }

    /// The request has not become one that a route could answer.
    private func answer(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        metrics.rejected(refusal.code)
        let response = refusal.response
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: response.status.code),
            headers: HTTPHeaders(response.headers.map { ($0.name.rawName, $0.value) }))
        write(context: context, data: wrapOutboundOut(.head(head)), promise: nil)
        write(
            context: context, data: wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: refusal.json)))), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// One timer for the connection's life, which looks, when its time has come, whether it still is idle: to
    /// set one for each request takes more time than the request.
    private func waitForRequest(_ context: ChannelHandlerContext) {
        guard let idle = limits.idle.map({ TimeAmount($0) }) else { return }
        let deadline = machine.isIdle ? idleSince + idle : .now() + idle
        end = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            guard !machine.isLingering else { return }
            if machine.isIdle, idleSince + idle <= .now() { return context.close(promise: nil) }
            waitForRequest(context)
        }
    }

    private func close(_ context: ChannelHandlerContext, after end: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(end, promise: written)
    }

    private func linger(_ context: ChannelHandlerContext, after data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        context.writeAndFlush(data, promise: promise)
        end?.cancel()
        end = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        context.read()
    }
}
