import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Platform

/// Decides whether an HTTP/1.x connection persists, and how it ends, and drives the ``StateMachine`` that does.
///
/// A response may end before its request has been received (RFC 9112 §9.6). If the connection were closed at once, the
/// client's system would receive a reset and drop the response; if it were read for ever, the client would decide for
/// how long. So the handler half-closes it, reads and discards input within limits, and closes it. The handler also
/// responds to input that is not HTTP.
///
/// Its place in the pipeline is between SwiftNIO's HTTP/1 decoder and the codec that makes version-independent HTTP
/// types of requests.
final class HTTP1ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Reads are large only while pieces of content have at least this many bytes.
    private static let largePieceBytes = 1024

    private let limits: Receiver.ConnectionLimits
    private let traffic: TrafficHandler
    private let metrics: ServerMetrics
    private let logger: Logger
    private let body: BodyFlag
    private var machine: StateMachine
    private var allowance = FramingAllowance()
    /// Closes the connection: if it is idle or stuck, or after ``discardTime``.
    private var timer: Scheduled<Void>?
    private var idleSince = NIODeadline.uptimeNanoseconds(0)
    /// Since when the end of a response has been waiting to leave the process.
    private var writingSince: NIODeadline?
    /// How long input is discarded after the last response.
    private var discardTime: TimeAmount

    init(
        limits: Receiver.ConnectionLimits, traffic: TrafficHandler, metrics: ServerMetrics, logger: Logger,
        body: BodyFlag
    ) {
        self.limits = limits
        self.traffic = traffic
        self.metrics = metrics
        self.logger = logger
        self.body = body
        machine = StateMachine(discardLimit: limits.lingering.bytes)
        discardTime = TimeAmount(limits.lingering.duration)
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
            allowance.renew()
            if case .pass(let head) = machine.headArrived(head) {
                context.fireChannelRead(wrapInboundOut(.head(head)))
            }
        case .body(let bytes):
            // A large read of one-byte chunks would be parsed at the expense of all other connections.
            body.isSet = bytes.readableBytes >= Self.largePieceBytes
            allowance.contentArrived(bytes.readableBytes)
            act(on: machine.bodyArrived(), data, context)
        case .end:
            allowance.renew()
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
        if !machine.mustNotRead { context.read() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let count = traffic.takeByteCount()
        if !allowance.readCompleted(count) { caught(RequestBodyError.excessiveFraming, Self.headerTooLarge, context) }
        context.fireChannelReadComplete()
        if machine.bytesRead(count: count) == .close { return context.close(promise: nil) }
        // The later handlers do not ask for input that is discarded.
        if machine.isEnding { read(context: context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // RFC 9112 §9.6: responses to later requests are not sent. They would be content of one that ends by close.
        guard !machine.isEnding else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.code < 200 && !machine.acceptsInterimResponses:
            promise?.succeed()
        case .head(let head):
            context.write(wrapOutboundOut(.head(machine.responseBegan(head))), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            let action = machine.responseEnded()
            if writingSince == nil { writingSince = context.eventLoop.now }
            let written = promise ?? context.eventLoop.makePromise()
            context.write(data, promise: written)
            written.futureResult.assumeIsolated().whenComplete { [self] _ in responseWritten(context) }
            switch action {
            case .none:
                break
            case .halfClose:
                context.flush()
                context.close(mode: .output, promise: nil)
                context.read()
            case .flush:
                context.flush()
                // SwiftNIO would close the connection at once if the output were closed after the input.
                context.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
            case .refuse(let refusal):
                refuse(refusal, context)
            }
        }
    }

    /// A client's time to read the response, and to send another request, begins when the response has left the
    /// process, however long that took.
    private func responseWritten(_ context: ChannelHandlerContext) {
        idleSince = context.eventLoop.now
        let action = machine.responseWritten()
        writingSince = machine.hasUnwrittenResponses ? idleSince : nil
        switch action {
        case .none:
            break
        case .close:
            context.close(promise: nil)
        case .startTimer:
            timer?.cancel()
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: discardTime) { context.close(promise: nil) }
        }
    }

    /// An abort closes the connection even in states in which other handlers cannot.
    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event {
        case is AbortEvent:
            context.close(promise: promise)
        case is BriefLingering:
            machine.discardLimit = min(machine.discardLimit, BriefLingering.bytes)
            promise?.succeed()
        default:
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Hummingbird closes the input of connections whose tasks are cancelled, although cancellation reaches these
        // tasks anyway. TLS does not support it, and SwiftNIO asserts that the channel has been registered.
        guard mode != .input else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        guard machine.isEnding else { return context.close(mode: mode, promise: promise) }
        // This handler will close the connection, and not earlier because it is asked to.
        context.channel.closeFuture.cascade(to: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            if machine.inputClosed() == .close { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent:
            discardTime = min(discardTime, .seconds(1))
            if machine.quiescingBegan() == .close { context.close(promise: nil) }
        default:
            break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        machine.channelBecameInactive()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        caught(error, (error as? HTTPParserError).map { refusal(of: $0) }, context)
    }

    /// - Parameters:
    ///   - error: for the route, if it happens within a body.
    ///   - refusal: the response, if it happens elsewhere; nil if the error is not the client's.
    private func caught(_ error: any Error, _ refusal: Refusal?, _ context: ChannelHandlerContext) {
        switch machine.errorCaught(refusal) {
        case .pass: context.fireErrorCaught(error)
        case .discard: break
        case .refuse(let refusal): refuse(refusal, context)
        }
    }

    private func refusal(of error: HTTPParserError) -> Refusal {
        switch error {
        case .invalidMethod where traffic.requestLine?.hasMethod == true: .notImplemented
        case .invalidVersion where traffic.requestLine?.hasOtherVersion == true: Self.versionNotSupported
        // The client begins with HTTP/2's preface.
        case .paused: Self.versionNotSupported
        case .headerOverflow: Self.headerTooLarge
        default: Refusal(.malformed, "this is not valid HTTP/1.1")
        }
    }

    private static let headerTooLarge = Refusal(
        .headerTooLarge, "the header has more bytes than this server accepts")

    private static let versionNotSupported = Refusal(
        .versionNotSupported, "this server speaks HTTP/1.1 and HTTP/1.0 here")

    /// Responds to input that is not a request, and that therefore no route has seen.
    private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
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

    /// Sets one timer for the connection's life, which is renewed until it finds the connection idle, or the end of a
    /// response stuck, for too long. A timer for each request would take more time than the request.
    private func watch(_ context: ChannelHandlerContext) {
        guard let period = [limits.idle, limits.stall].compactMap({ $0.map { TimeAmount($0) } }).min() else { return }
        // This is in the future: a connection that has been idle for long enough is closed.
        let untilIdle = machine.isIdle ? limits.idle.map { idleSince + TimeAmount($0) - context.eventLoop.now } : nil
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: min(period, untilIdle ?? period)) { [self] in
            let now = context.eventLoop.now
            let isIdle = machine.isIdle && limits.idle.map { idleSince + TimeAmount($0) <= now } ?? false
            let isStuck = limits.stall.map { stall in writingSince.map { $0 + TimeAmount(stall) <= now } ?? false }
            if isIdle || isStuck == true { return context.close(promise: nil) }
            watch(context)
        }
    }
}
