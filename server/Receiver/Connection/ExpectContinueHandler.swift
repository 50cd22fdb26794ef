import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers `Expect: 100-continue` (RFC 9110 §10.1.1) after the head has been checked.
///
/// A request that will be refused gets no `100`: the route sends the final status, and the client never sends the body.
final class ExpectContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let readsBody: (HTTPRequest) -> Bool
    private var machine = StateMachine()

    /// - Parameter readsBody: whether the server will read the body of a request with this head.
    init(readsBody: @escaping (HTTPRequest) -> Bool) {
        self.readsBody = readsBody
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let waits = head.headerFields[.expect]?.lowercased() == "100-continue"
            if machine.headArrived(waits: waits && readsBody(head)) { writeContinue(context) }
        case .body, .end:
            machine.bodyArrived()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.kind == .informational: break
        case .head: machine.responseBegan()
        case .body: break
        case .end: if machine.responseEnded() { writeContinue(context) }
        }
    }

    private func writeContinue(_ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
}

extension ExpectContinueHandler {
    /// Decides when to write the `100`: after the responses to earlier requests, which a client may have sent without
    /// waiting (RFC 9112 §9.3.2).
    struct StateMachine {
        /// Requests whose head has arrived and whose response has not ended.
        private var requests = 0
        /// Whether the last of them waits for a `100`.
        private var waits = false

        /// - Returns: whether to write the `100`.
        mutating func headArrived(waits: Bool) -> Bool {
            requests += 1
            self.waits = waits
            return continueIfDue()
        }

        /// The client no longer waits.
        mutating func bodyArrived() { waits = false }

        mutating func responseBegan() {
            if requests == 1 { waits = false }
        }

        /// - Returns: whether to write the `100`.
        mutating func responseEnded() -> Bool {
            requests = max(0, requests - 1)
            return continueIfDue()
        }

        private mutating func continueIfDue() -> Bool {
            guard waits, requests == 1 else { return false }
            waits = false
            return true
        }
    }
}
