import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Lets an answer that is given before its request has been read reach the client, and ends the
/// connection after it (RFC 9112 §9.6).
///
/// To close right away would send a reset, at which the client's system throws the answer away; to
/// read on for ever is what the client, or an attacker, decides. So: half-close, read and discard
/// within bounds, close. It also answers what is no HTTP at all.
final class LingeringCloseHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let patience: TimeAmount
    private var machine: StateMachine
    private var deadline: Scheduled<Void>?

    init(limits: Receiver.LingeringLimits) {
        patience = TimeAmount(limits.duration)
        machine = StateMachine(limit: limits.bytes)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let action: StateMachine.ReadAction =
            switch unwrapInboundIn(data) {
            case .head: machine.headArrived()
            case .body(let bytes): machine.bodyArrived(count: bytes.readableBytes)
            case .end: machine.requestEnded()
            }
        switch action {
        case .pass: context.fireChannelRead(data)
        case .discard: break
        case .close: context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Nobody behind this handler asks for what is only discarded.
        if machine.isLingering { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if machine.responseBegan(head) == .announceClose { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            switch machine.responseEnded() {
            case .pass: context.write(data, promise: promise)
            case .linger: linger(context, after: data, promise)
            case .close: close(context, after: data, promise)
            }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard machine.isLingering, mode != .input else { return context.close(mode: mode, promise: promise) }
        // It is about to be, and whoever asks again will not make it earlier.
        context.channel.closeFuture.cascade(to: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed, machine.inputClosed() == .close {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch machine.errorCaught(isParserError: error is HTTPParserError) {
        case .pass: context.fireErrorCaught(error)
        case .discard: break
        case .answer: answer(Refusal(.malformed, "this is not valid HTTP/1.1"), context)
        }
    }

    /// The request has not become one that a route could answer.
    private func answer(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        let response = refusal.response
        write(context: context, data: NIOAny(HTTPResponsePart.head(response.head)), promise: nil)
        write(context: context, data: NIOAny(HTTPResponsePart.body(ByteBuffer(string: refusal.json))), promise: nil)
        write(context: context, data: NIOAny(HTTPResponsePart.end(nil)), promise: nil)
    }

    private func close(_ context: ChannelHandlerContext, after end: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(end, promise: written)
    }

    private func linger(_ context: ChannelHandlerContext, after end: NIOAny, _ promise: EventLoopPromise<Void>?) {
        context.writeAndFlush(end, promise: promise)
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        context.read()
    }
}
