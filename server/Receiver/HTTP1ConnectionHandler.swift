import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Platform

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

    /// From which on it is worth to read more at once, in bytes.
    private static let largePart = 1024

    private let limits: Receiver.ConnectionLimits
    private let traffic: TrafficHandler
    private let metrics: ServerMetrics
    private let logger: Logger
    private let body: BodyFlag
    private var machine: StateMachine
    private var end: Scheduled<Void>?
    private var idleSince = NIODeadline.uptimeNanoseconds(0)
    /// Since when the end of a response waits to be taken.
    private var writingSince: NIODeadline?
    private var patience: TimeAmount

    init(
        limits: Receiver.ConnectionLimits, traffic: TrafficHandler, metrics: ServerMetrics, logger: Logger,
        body: BodyFlag
    ) {
        self.limits = limits
        self.traffic = traffic
        self.metrics = metrics
        self.logger = logger
        self.body = body
        machine = StateMachine(limit: limits.lingering.bytes)
        patience = TimeAmount(limits.lingering.duration)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        idleSince = context.eventLoop.now
        if context.channel.isActive { watch(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        traffic.partDecoded()
        switch unwrapInboundIn(data) {
        case .head(let head):
            if case .pass(let head) = machine.headArrived(head) {
                context.fireChannelRead(wrapInboundOut(.head(head)))
            }
        case .body(let bytes):
            // Chunks of a byte each would be as many as a large read has bytes, all parsed before anyone else's.
            body.isSet = bytes.readableBytes >= Self.largePart
            act(on: machine.bodyArrived(count: bytes.readableBytes), data, context)
        case .end:
            body.isSet = false
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
            let action = machine.responseEnded()
            if writingSince == nil { writingSince = context.eventLoop.now }
            let written = promise ?? context.eventLoop.makePromise()
            context.write(data, promise: written)
            written.futureResult.assumeIsolated().whenComplete { [self] _ in responseWritten(action, context) }
            switch action {
            case .pass:
                break
            case .linger:
                context.flush()
                context.close(mode: .output, promise: nil)
                context.read()
            case .close:
                context.flush()
            case .answer(let refusal):
                answer(refusal, context)
            }
        }
    }

    /// Only now, however long that took, does a client's time begin to read the rest and close.
    private func responseWritten(_ action: StateMachine.ResponseEndedAction, _ context: ChannelHandlerContext) {
        idleSince = context.eventLoop.now
        if machine.responseWritten() == .close { context.close(promise: nil) }
        writingSince = machine.isWriting ? idleSince : nil
        switch action {
        case .pass, .answer:
            break
        case .linger:
            end?.cancel()
            end = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
        case .close:
            context.close(promise: nil)
        }
    }

    /// What has no more to say must go, whatever is still to be heard.
    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is AbortEvent else { return context.triggerUserOutboundEvent(event, promise: promise) }
        context.close(promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Hummingbird does this to connections of tasks that are cancelled, which hear of it anyway. TLS cannot, and
        // SwiftNIO asserts that the channel has been registered.
        guard mode != .input else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        guard machine.isLingering else { return context.close(mode: mode, promise: promise) }
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
        case .invalidMethod where traffic.requestLine?.hasMethod == true: .notImplemented
        case .invalidVersion where traffic.requestLine?.hasOtherVersion == true: Self.versionNotSupported
        // Where HTTP/2 is begun without asking.
        case .paused: Self.versionNotSupported
        case .headerOverflow: Refusal(.headerTooLarge, "the header has more bytes than this server takes")
        default: Refusal(.malformed, "this is not valid HTTP/1.1")
        }
    }

    private static let versionNotSupported = Refusal(
        .versionNotSupported, "this server speaks HTTP/1.1 and HTTP/1.0 here")

    /// The request has not become one that a route could answer.
    private func answer(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        metrics.rejectedUnread(refusal.code)
        let response = refusal.response
        logger.log(
            level: .warning, "no request, \(response.status.code)",
            metadata: [
                "http.status": .stringConvertible(response.status.code), "reason": "\(refusal.message)",
                "client": "\(context.channel.remoteAddress?.ipAddress ?? "")",
            ])
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: response.status.code),
            headers: HTTPHeaders(
                response.headers.map { ($0.name.rawName, $0.value) } + [("Date", Timestamp.now.httpDate)]))
        write(context: context, data: wrapOutboundOut(.head(head)), promise: nil)
        write(
            context: context, data: wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: refusal.json)))), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// One timer for the connection's life, which looks, when its time has come, whether it still is idle: to
    /// set one for each request takes more time than the request. It looks after the end of a response, too, which a
    /// client may not take.
    private func watch(_ context: ChannelHandlerContext) {
        guard let period = [limits.idle, limits.stall].compactMap({ $0.map { TimeAmount($0) } }).min() else { return }
        // Later than now: who has been idle for long enough has been closed.
        let untilIdle = machine.isIdle ? limits.idle.map { idleSince + TimeAmount($0) - context.eventLoop.now } : nil
        end = context.eventLoop.assumeIsolated().scheduleTask(in: min(period, untilIdle ?? period)) { [self] in
            let now = context.eventLoop.now
            let isIdle = machine.isIdle && limits.idle.map { idleSince + TimeAmount($0) <= now } ?? false
            let isStuck = limits.stall.map { stall in writingSince.map { $0 + TimeAmount(stall) <= now } ?? false }
            if isIdle || isStuck == true { return context.close(promise: nil) }
            watch(context)
        }
    }
}
