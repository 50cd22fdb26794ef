import HTTPTypes

extension LingeringCloseHandler {
    /// When a connection is ended, and what of its input is still heard.
    struct StateMachine {
        enum ReadAction: Equatable {
            case pass, discard, close
        }

        enum ResponseBeganAction: Equatable {
            case none
            /// The response says `Connection: close`.
            case announceClose
        }

        enum ResponseEndedAction: Equatable {
            case pass
            /// Write the end; half-close; read and discard.
            case linger
            /// Write the end and close: the client has nothing more to send.
            case close
        }

        enum ErrorAction: Equatable {
            case pass, discard, answer
        }

        enum InputClosedAction: Equatable {
            case none, close
        }

        private enum State: Equatable {
            /// → `lingering`
            case open
            /// Nothing more is said; input is thrown away. Ends with the connection.
            case lingering(discarded: Int)
        }

        private let limit: Int
        private var state = State.open
        /// Requests whose head has come and whose response has not ended.
        private var requests = 0
        /// Whether more of the last request is to come.
        private var isReading = false
        /// Whether the response being written is the connection's last.
        private var isLast = false
        private var isInputClosed = false

        init(limit: Int) {
            self.limit = limit
        }

        var isLingering: Bool { state != .open }

        mutating func headArrived() -> ReadAction {
            guard state == .open else { return .discard }
            requests += 1
            isReading = true
            return .pass
        }

        mutating func bodyArrived(count: Int) -> ReadAction {
            switch state {
            case .open:
                return .pass
            case .lingering(let discarded):
                state = .lingering(discarded: discarded + count)
                return discarded + count > limit ? .close : .discard
            }
        }

        mutating func requestEnded() -> ReadAction {
            isReading = false
            return state == .open ? .pass : .discard
        }

        /// An error given as an answer to a request that is still being sent is the last answer.
        /// A success is not: a route may answer while it reads.
        mutating func responseBegan(_ head: HTTPResponse) -> ResponseBeganAction {
            if head.headerFields[.connection]?.lowercased() == "close" { isLast = true }
            guard head.status.code >= 300, requests <= 1, isReading || requests == 0 else { return .none }
            isLast = true
            return .announceClose
        }

        mutating func responseEnded() -> ResponseEndedAction {
            requests = max(0, requests - 1)
            // A route that has answered reads no more: without an end, the rest would be read and
            // thrown away for as long as it comes.
            guard isLast || requests == 0 && isReading else { return .pass }
            state = .lingering(discarded: 0)
            return isInputClosed ? .close : .linger
        }

        /// The client has closed its side, or all of it.
        mutating func inputClosed() -> InputClosedAction {
            isInputClosed = true
            return isLingering ? .close : .none
        }

        /// - Parameter isParserError: whether the client is at fault, and can still be told.
        mutating func errorCaught(isParserError: Bool) -> ErrorAction {
            guard state == .open else { return .discard }
            return isParserError && requests == 0 ? .answer : .pass
        }
    }
}
