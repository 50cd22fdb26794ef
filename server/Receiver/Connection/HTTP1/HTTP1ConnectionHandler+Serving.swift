import NIOHTTP1

extension HTTP1ConnectionHandler {
    /// The responses of a connection that have not ended, in the order of their requests.
    struct Serving: ~Copyable {
        /// What the decoder delivers next.
        private enum Input {
            /// Content, or the end of the newest request. → `head`
            case content
            /// The head of a pipelined request. → `content`, `refused`
            case head
            /// Input to discard. It is refused after the responses to the requests before it. Final.
            case refused(Refusal)
            /// Input to discard. The response that refuses it is being written. Final.
            case refusing
        }

        /// What follows a response.
        enum Next {
            /// The response to the next request.
            case response
            /// This response, to input that is not a request.
            case refusal(Refusal)
            /// A request: the connection persists.
            case request
            /// Nothing: the response was the last.
            case nothing
        }

        /// The exchange of an error response to input that is not a request.
        static var refusing: Serving { Serving(.unreadable, .refusing) }

        /// Requests that may wait for their responses. A single read can hold thousands.
        private static let mostExchanges = 1000

        /// Its response is written now or next.
        private var current: Exchange
        /// The requests received after it (RFC 9112 §9.3.2). An empty array needs no allocation, and a full one is still
        /// short enough for `removeFirst`.
        private var pipelined: [Exchange] = []
        private var input: Input
        private var isLastResponse = false

        init(_ exchange: Exchange) { self.init(exchange, .content) }

        private init(_ current: Exchange, _ input: Input) {
            self.current = current
            self.input = input
        }

        /// Whether content of an accepted request, or its end, comes next.
        var isReceiving: Bool { if case .content = input { true } else { false } }

        /// Whether the next response answers a request of HTTP/1.0.
        var isHTTP10: Bool { current.isHTTP10 }

        /// - Returns: whether the request is accepted.
        mutating func headArrived(_ exchange: Exchange) -> Bool {
            switch input {
            case .content, .head:
                guard pipelined.count + 1 < Self.mostExchanges else {
                    input = .refused(Refusal(.unavailable, "too many requests at once on one connection"))
                    return false
                }
                pipelined.append(exchange)
                input = .content
                return true
            case .refused, .refusing:
                return false
            }
        }

        /// - Returns: whether it is the end of an accepted request.
        mutating func requestEnded() -> Bool {
            guard isReceiving else { return false }
            input = .head
            return true
        }

        mutating func errorCaught(_ refusal: Refusal?) -> StateMachine.ErrorAction {
            switch input {
            case .content:
                return .pass
            case .head:
                guard let refusal else { return .pass }
                input = .refused(refusal)
                return .discard
            case .refused, .refusing:
                return .discard
            }
        }

        /// An error response to a request that is still being received is the last. A success is not: a route may
        /// respond while it reads.
        mutating func responseBegan(_ head: HTTPResponseHead, isQuiescing: Bool) -> HTTPResponseHead {
            guard head.status.code >= 200 else { return head }
            var head = head
            let isEndedByClose = current.frameContent(&head)
            let isEarlyError = head.status.code >= 300 && isReceiving && pipelined.isEmpty
            if isEndedByClose || isEarlyError || !current.isPersistent || isQuiescing
                || head.headers[canonicalForm: "Connection"].contains("close")
            {
                isLastResponse = true
            }
            current.setPersistence(&head, isLast: isLastResponse)
            return head
        }

        mutating func responseEnded(isQuiescing: Bool) -> Next {
            if isLastResponse { return .nothing }
            if !pipelined.isEmpty {
                current = pipelined.removeFirst()
                return .response
            }
            if isQuiescing { return .nothing }
            return switch input {
            // After its response a route reads no more, and the rest of the request may be endless.
            case .content, .refusing: .nothing
            case .head: .request
            case .refused(let refusal): .refusal(refusal)
            }
        }
    }
}

extension HTTP1ConnectionHandler.StateMachine {
    /// Whether the client of the next response understands interim responses, which HTTP/1.0 does not have (RFC 9110 §15.2).
    var acceptsInterimResponses: Bool {
        switch state {
        case .awaitingRequest: true
        case .serving(let serving): !serving.isHTTP10
        case .discarding: true
        case .closed: true
        }
    }
}
