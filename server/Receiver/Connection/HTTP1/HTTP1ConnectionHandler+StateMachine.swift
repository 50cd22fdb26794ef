import NIOHTTP1

extension HTTP1ConnectionHandler {
    /// Which requests an HTTP/1.x connection accepts, whether it persists (RFC 9112 §9.3), and how it ends (§9.6).
    ///
    /// What an event does in each state. An arrow names the state that follows; without one the state stays. In
    /// `closed` input is discarded, and no other event does anything.
    ///
    /// | event            | awaitingRequest   | serving                                  | discarding              |
    /// |------------------|-------------------|------------------------------------------|-------------------------|
    /// | request's head   | → serving         | pass; discard above the limit            | discard                 |
    /// | content          | discard           | pass                                     | discard                 |
    /// | bytes read       |                   |                                          | limit → closed          |
    /// | request's end    | discard           | pass                                     | discard; done → closed  |
    /// | syntax error     | refuse, → serving | in content pass, else refuse in its turn | discard                 |
    /// | input closed     |                   |                                          | done → closed           |
    /// | response's head  |                   | frame it; is it the last?                |                         |
    /// | response's end   |                   | next; last → discarding;                 |                         |
    /// |                  |                   | none is open → awaitingRequest           |                         |
    /// | response written | done → closed     |                                          | start timer; done →     |
    /// |                  |                   |                                          | closed                  |
    /// | quiescing        | done → closed     |                                          |                         |
    /// | channel inactive | → closed          | → closed                                 | → closed                |
    ///
    /// "Done": all responses are written, and no request can follow.
    struct StateMachine: ~Copyable {
        enum State: ~Copyable {
            /// No request is open. → `serving`, `closed`
            case awaitingRequest
            /// At least one response has not ended. → `awaitingRequest`, `discarding`, `closed`
            case serving(Serving)
            /// The last response has ended. Input is read and discarded: closing the connection at once would send a
            /// reset, at which the client's system drops the response. → `closed`
            case discarding(bytes: Int)
            /// The connection is closed, or the handler was told to close it. Final.
            case closed
        }

        /// SwiftNIO's decoder stops after a request for another protocol, and stores all that is read after it.
        private enum Decoder {
            /// → `stopping`
            case running
            /// The request that is being received asks for another protocol. → `stopped`
            case stopping
            /// Final.
            case stopped
        }

        var discardLimit: Int
        private(set) var state = State.awaitingRequest
        private var decoder = Decoder.running
        /// Whether input was not HTTP. What follows it is read only to discard it.
        private var hasInputFailed = false
        /// Responses that have ended, and whose ends have not left the process: those to pipelined requests may wait
        /// together.
        private var unwrittenResponses = 0
        private var isInputClosed = false
        private var isQuiescing = false

        /// - Parameter discardLimit: the bytes to discard before the connection is closed.
        init(discardLimit: Int) { self.discardLimit = discardLimit }

        /// Whether no request is open, and all responses are written.
        var isIdle: Bool {
            switch state {
            case .awaitingRequest: !hasUnwrittenResponses
            case .serving: false
            case .discarding: false
            case .closed: false
            }
        }

        /// Whether the last response has ended.
        var isEnding: Bool {
            switch state {
            case .awaitingRequest: false
            case .serving: false
            case .discarding: true
            case .closed: true
            }
        }

        /// Whether the end of a response has not left the process.
        var hasUnwrittenResponses: Bool { unwrittenResponses > 0 }

        /// Whether the decoder would only store what is read, or no route wants it while a response continues, which may
        /// be endless.
        var mustNotRead: Bool { decoder == .stopped || hasInputFailed && !isEnding }

        // MARK: Input

        enum HeadAction {
            case pass(HTTPRequestHead)
            case discard
        }

        mutating func headArrived(_ head: HTTPRequestHead) -> HeadAction {
            let exchange = Exchange(head)
            decoder = exchange.isUpgrade ? .stopping : .running
            switch take() {
            case .awaitingRequest:
                return become(.serving(Serving(exchange)), .pass(exchange.simplified(head)))
            case .serving(var serving):
                let isAccepted = serving.headArrived(exchange)
                return become(.serving(serving), isAccepted ? .pass(exchange.simplified(head)) : .discard)
            case .discarding(let bytes):
                return become(.discarding(bytes: bytes), .discard)
            case .closed:
                return .discard
            }
        }

        enum ReadAction {
            case pass, discard, close
        }

        mutating func bodyArrived() -> ReadAction {
            switch take() {
            case .awaitingRequest:
                return become(.awaitingRequest, .discard)
            case .serving(let serving):
                let isPassed = serving.isReceiving
                return become(.serving(serving), isPassed ? .pass : .discard)
            case .discarding(let bytes):
                return become(.discarding(bytes: bytes), .discard)
            case .closed:
                return .discard
            }
        }

        /// - Parameter count: of the bytes read, of which the decoder may have delivered nothing.
        mutating func bytesRead(count: Int) -> CloseAction {
            switch take() {
            case .awaitingRequest:
                return become(.awaitingRequest, .none)
            case .serving(let serving):
                return become(.serving(serving), .none)
            case .discarding(let bytes):
                let sum = bytes + count
                return sum > discardLimit ? become(.closed, .close) : become(.discarding(bytes: sum), .none)
            case .closed:
                return .none
            }
        }

        mutating func requestEnded() -> ReadAction {
            if decoder == .stopping { decoder = .stopped }
            switch take() {
            case .awaitingRequest:
                return become(.awaitingRequest, .discard)
            case .serving(var serving):
                let isPassed = serving.requestEnded()
                return become(.serving(serving), isPassed ? .pass : .discard)
            case .discarding(let bytes):
                state = .discarding(bytes: bytes)
                return closeIfDone() == .close ? .close : .discard
            case .closed:
                return .discard
            }
        }

        enum ErrorAction: Equatable {
            case pass, discard
            /// Write this response.
            case refuse(Refusal)
        }

        /// - Parameter refusal: the response to input that is not HTTP; nil if the error is not the client's.
        mutating func errorCaught(_ refusal: Refusal?) -> ErrorAction {
            if refusal != nil { hasInputFailed = true }
            switch take() {
            case .awaitingRequest:
                guard let refusal else { return become(.awaitingRequest, .pass) }
                return become(.serving(Serving.refusing), .refuse(refusal))
            case .serving(var serving):
                let action = serving.errorCaught(refusal)
                return become(.serving(serving), action)
            case .discarding(let bytes):
                return become(.discarding(bytes: bytes), .discard)
            case .closed:
                return .discard
            }
        }

        enum CloseAction {
            case none, close
        }

        /// The client has closed its side of the connection, or both. It may still read responses.
        mutating func inputClosed() -> CloseAction {
            isInputClosed = true
            return closeIfDone()
        }

        // MARK: Output

        /// - Returns: the head to write, which frames the content and says whether the connection persists.
        mutating func responseBegan(_ head: HTTPResponseHead) -> HTTPResponseHead {
            switch take() {
            case .awaitingRequest:
                return become(.awaitingRequest, head)
            case .serving(var serving):
                let head = serving.responseBegan(head, isQuiescing: isQuiescing)
                return become(.serving(serving), head)
            case .discarding(let bytes):
                return become(.discarding(bytes: bytes), head)
            case .closed:
                return head
            }
        }

        enum ResponseEndedAction: Equatable {
            /// The connection persists.
            case none
            /// Half-close the connection, and read on to discard what the client sends.
            case halfClose
            /// Flush, and write nothing more. The connection is closed when the response is written.
            case flush
            /// Write this response, to input after the last request that is not HTTP.
            case refuse(Refusal)
        }

        mutating func responseEnded() -> ResponseEndedAction {
            unwrittenResponses += 1
            switch take() {
            case .awaitingRequest:
                return become(.awaitingRequest, .none)
            case .serving(var serving):
                switch serving.responseEnded(isQuiescing: isQuiescing) {
                case .response: return become(.serving(serving), .none)
                case .refusal(let refusal): return become(.serving(Serving.refusing), .refuse(refusal))
                case .request: return become(.awaitingRequest, .none)
                case .nothing: return become(.discarding(bytes: 0), isInputEnded ? .flush : .halfClose)
                }
            case .discarding(let bytes):
                return become(.discarding(bytes: bytes), .none)
            case .closed:
                return .none
            }
        }

        enum WrittenAction {
            case none, close
            /// Close the connection when the client has had time to read the response.
            case startTimer
        }

        /// The end of a response has left the process.
        mutating func responseWritten() -> WrittenAction {
            unwrittenResponses = max(0, unwrittenResponses - 1)
            if closeIfDone() == .close { return .close }
            switch state {
            case .awaitingRequest: return .none
            case .serving: return .none
            case .discarding: return hasUnwrittenResponses ? .none : .startTimer
            case .closed: return .none
            }
        }

        // MARK: Both

        /// The server shuts down: a response that has not begun is its connection's last.
        mutating func quiescingBegan() -> CloseAction {
            isQuiescing = true
            return closeIfDone()
        }

        mutating func channelBecameInactive() { state = .closed }

        private var isInputEnded: Bool { isInputClosed || decoder == .stopped }

        private mutating func closeIfDone() -> CloseAction {
            let isDone =
                switch state {
                case .awaitingRequest: isQuiescing && !hasUnwrittenResponses
                case .serving: false
                case .discarding: isInputEnded && !hasUnwrittenResponses
                case .closed: false
                }
            if isDone { state = .closed }
            return isDone ? .close : .none
        }

        /// Moves the state out, since a value that is not copyable cannot be changed in place. ``become(_:_:)`` sets the
        /// next one.
        private mutating func take() -> State {
            var taken = State.closed
            swap(&state, &taken)
            return taken
        }

        private mutating func become<Action>(_ next: consuming State, _ action: Action) -> Action {
            state = next
            return action
        }
    }
}
