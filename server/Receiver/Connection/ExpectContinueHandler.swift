import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers `Expect: 100-continue` (RFC 9110 §10.1.1) after the head has been checked.
///
/// A request that will be refused gets no `100`: the route sends the final status, and the client never sends the body.
final class ExpectContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
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
            act(on: machine.headArrived(waits: waits && readsBody(head)), context)
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
        case .end: act(on: machine.responseEnded(), context)
        }
    }

    private func act(on action: StateMachine.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .none: break
        case .writeContinue:
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
    }
}

extension ExpectContinueHandler {
    /// Decides when to write the `100`: after the responses to earlier requests, which a client may have sent without
    /// waiting (RFC 9112 §9.3.2).
    struct StateMachine {
        enum Action: Equatable {
            case none
            case writeContinue
        }

        /// Requests whose head has arrived and whose response has not ended.
        private var requests = 0
        /// Whether the last of them waits for a `100`.
        private var waits = false

        mutating func headArrived(waits: Bool) -> Action {
            requests += 1
            self.waits = waits
            return continueIfDue()
        }

        /// The client no longer waits.
        mutating func bodyArrived() { waits = false }

        mutating func responseBegan() {
            if requests == 1 { waits = false }
        }

        mutating func responseEnded() -> Action {
            requests = max(0, requests - 1)
            return continueIfDue()
        }

        private mutating func continueIfDue() -> Action {
            guard waits, requests == 1 else { return .none }
            waits = false
            return .writeContinue
        }
    }
}
