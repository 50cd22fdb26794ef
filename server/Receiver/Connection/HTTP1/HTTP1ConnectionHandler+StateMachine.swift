import NIOCore
import NIOHTTP1

extension HTTP1ConnectionHandler {
    /// Which requests a connection of HTTP/1.x takes, whether it is kept (RFC 9112 §9.3), and how it ends.
    ///
    /// What routes see of a request is simpler than what came: `Connection` says `close`, or is not there.
    struct StateMachine {
        enum HeadAction {
            case pass(HTTPRequestHead)
            case discard
        }

        enum ReadAction: Equatable {
            case pass, discard, close
        }

        enum ResponseEndedAction: Equatable {
            /// Write the end; the connection is kept.
            case pass
            /// Write the end; half-close; read and discard.
            case linger
            /// Write the end and close: the client has nothing more to send, or nothing that could be read.
            case close
            /// Write the end; then this answer to what came behind, which is no request, and linger.
            case answer(Refusal)
        }

        enum ErrorAction: Equatable {
            case pass, discard
            case answer(Refusal)
        }

        enum EndAction: Equatable {
            case none, close
        }

        private struct Exchange {
            let isHTTP10: Bool
            /// Whether the response has a header only.
            let isHead: Bool
            /// Whether the client wants the connection to be kept.
            let isPersistent: Bool
            /// Behind it comes another protocol, which is not spoken here: SwiftNIO's decoder has stopped.
            let isLastReadable: Bool
        }

        private enum State: Equatable {
            /// → `lingering`
            case open
            /// Nothing more is said; input is thrown away. Ends with the connection.
            case lingering(discarded: Int)
        }

        /// Of pipelined requests: one read may hold thousands.
        private static let mostExchanges = 1000

        private let limit: Int
        private var state = State.open
        /// Of the requests whose head has come and whose response has not ended.
        private var exchanges = CircularBuffer<Exchange>(initialCapacity: 2)
        /// Whether more of the last request is to come.
        private var isReading = false
        /// Whether the response being written is the connection's last.
        private var isLast = false
        /// Of responses whose end has not left this process yet: answers to pipelined requests may wait together.
        private var writing = 0
        private var isInputClosed = false
        private var isQuiescing = false
        /// Why what follows the last request is none.
        private var refusal: Refusal?

        /// - Parameter limit: how many bytes are discarded at most before the connection is closed.
        init(limit: Int) {
            self.limit = limit
        }

        var isLingering: Bool { state != .open }

        /// Whether nothing is under way.
        var isIdle: Bool { state == .open && exchanges.isEmpty && !isWriting }

        /// Whether the end of a response has not left this process yet.
        var isWriting: Bool { writing > 0 }

        /// Whether reading more would only fill memory.
        var isDeaf: Bool { state == .open && !isReading && exchanges.last?.isLastReadable == true }

        mutating func headArrived(_ head: HTTPRequestHead) -> HeadAction {
            guard state == .open, refusal == nil else { return .discard }
            guard exchanges.count < Self.mostExchanges else {
                refusal = Refusal(.unavailable, "too many requests at once on one connection")
                return .discard
            }
            let isHTTP10 = head.version != .http1_1
            let isUpgrade = head.method == .CONNECT || head.asksForUpgrade
            // RFC 9112 §6.1: where a body in chunks comes from HTTP/1.0, or in another coding, its framing is not to be
            // relied on.
            let codings = head.headers["Transfer-Encoding"]
            let isFaulty = !codings.isEmpty && (isHTTP10 || codings.map { $0.lowercased() } != ["chunked"])
            let isPersistent = head.isKeepAlive && !isUpgrade && !isFaulty
            exchanges.append(
                Exchange(
                    isHTTP10: isHTTP10, isHead: head.method == .HEAD, isPersistent: isPersistent,
                    isLastReadable: isUpgrade))
            isReading = true
            return .pass(Self.simplified(head, isHTTP10: isHTTP10, isPersistent: isPersistent))
        }

        mutating func bodyArrived(count: Int) -> ReadAction {
            switch state {
            case .open:
                return refusal == nil ? .pass : .discard
            case .lingering(let discarded):
                state = .lingering(discarded: discarded + count)
                return discarded + count > limit ? .close : .discard
            }
        }

        mutating func requestEnded() -> ReadAction {
            guard refusal == nil else { return .discard }
            isReading = false
            return state == .open ? .pass : .discard
        }

        /// An error given as an answer to a request that is still being sent is the last answer.
        /// A success is not: a route may answer while it reads.
        ///
        /// - Returns: the head to write, which says how the content is framed (RFC 9112 §6).
        mutating func responseBegan(_ head: HTTPResponseHead) -> HTTPResponseHead {
            guard head.status.code >= 200 else { return head }
            var head = head
            let exchange = exchanges.first
            let hasContent = exchange?.isHead != true && head.status != .noContent && head.status != .notModified
            if hasContent, !head.headers.contains(name: "Content-Length") {
                if exchange?.isHTTP10 == true {
                    // It knows no chunks: the connection's end is the content's.
                    isLast = true
                } else {
                    head.headers.add(name: "Transfer-Encoding", value: "chunked")
                }
            }
            let isEarlyError = head.status.code >= 300 && exchanges.count <= 1 && isReading
            if isEarlyError || exchange?.isPersistent != true || isQuiescing
                || head.headers[canonicalForm: "Connection"].contains("close")
            {
                isLast = true
            }
            if isLast {
                head.headers.replaceOrAdd(name: "Connection", value: "close")
            } else if exchange?.isHTTP10 == true {
                head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
            }
            return head
        }

        mutating func responseEnded() -> ResponseEndedAction {
            let wasLastReadable = exchanges.first?.isLastReadable == true
            if !exchanges.isEmpty { exchanges.removeFirst() }
            writing += 1
            // A route that has answered reads no more: without an end, the rest would be read and
            // thrown away for as long as it comes.
            if isLast || isQuiescing && exchanges.isEmpty || exchanges.isEmpty && isReading {
                state = .lingering(discarded: 0)
                // Of a request for another protocol the body is read, and nothing behind it.
                return isInputClosed || wasLastReadable && !isReading ? .close : .linger
            }
            guard exchanges.isEmpty else { return .pass }
            return refusal.map { .answer($0) } ?? .pass
        }

        /// All of a response is in the kernel's hands.
        mutating func responseWritten() -> EndAction {
            writing = max(0, writing - 1)
            if isLingering, isInputClosed, !isWriting { return .close }
            return isQuiescing && isIdle ? .close : .none
        }

        /// The client has closed its side, or all of it.
        mutating func inputClosed() -> EndAction {
            isInputClosed = true
            // It may still read what is on its way.
            return isLingering && !isWriting ? .close : .none
        }

        /// The server is to stop: no further request is taken.
        mutating func quiescingBegan() -> EndAction {
            isQuiescing = true
            return isIdle ? .close : .none
        }

        /// - Parameter refusal: of what is no HTTP; nil where the connection is at fault, not the client.
        mutating func errorCaught(_ refusal: Refusal?) -> ErrorAction {
            guard state == .open, self.refusal == nil else { return .discard }
            guard let refusal, !isReading else { return .pass }
            guard exchanges.isEmpty else {
                // In its turn, behind the answers to the requests before.
                self.refusal = refusal
                return .discard
            }
            return .answer(refusal)
        }

        private static func simplified(
            _ head: HTTPRequestHead, isHTTP10: Bool, isPersistent: Bool
        ) -> HTTPRequestHead {
            let names = ["Host", "Connection"]
            // The most frequent head, untouched.
            if !isHTTP10, isPersistent, head.headers["Host"].count == 1, !head.headers.contains(name: "Connection") {
                return head
            }
            var head = head
            if isHTTP10 {
                // A coded answer has no length, and would take the connection's end; RFC 9110 §10.1.1: an
                // expectation is none in HTTP/1.0.
                head.headers.remove(name: "Accept-Encoding")
                head.headers.remove(name: "Expect")
                if !head.headers.contains(name: names[0]) { head.headers.add(name: names[0], value: "") }
            }
            // RFC 9112 §3.2: several are as bad as none.
            if head.headers[names[0]].count > 1 { head.headers.remove(name: names[0]) }
            head.headers.remove(name: names[1])
            if !isPersistent { head.headers.add(name: names[1], value: "close") }
            return head
        }
    }
}

extension HTTPRequestHead {
    /// RFC 9110 §7.8. SwiftNIO's decoder reads nothing behind such a request, whether `Connection` says `upgrade` or,
    /// for instance, `Proxy-Connection`.
    fileprivate var asksForUpgrade: Bool { headers.contains(name: "Upgrade") }
}
