import NIOHTTP1

extension HTTP1ConnectionHandler {
    /// A request and its response: what their heads say about the connection, and how they are rewritten.
    struct Exchange {
        let isHTTP10: Bool
        /// A response to `HEAD` has no content.
        let isHead: Bool
        /// Whether the connection can persist after the response (RFC 9112 §9.3).
        let isPersistent: Bool
        /// Whether the request asks for another protocol (`CONNECT`, or `Upgrade`, RFC 9110 §7.8), which this server
        /// always declines. SwiftNIO's decoder stops after such a request and stores all bytes that follow it, whether
        /// `Connection` lists `upgrade` or not.
        let isUpgrade: Bool

        /// The exchange of an error response to input that is not a request.
        static let unreadable = Exchange(isHTTP10: false, isHead: false, isPersistent: false, isUpgrade: false)

        /// The head that routes see: `Connection` is `close` or absent, the target is a path, `*`, or, if it is invalid,
        /// empty, and nothing depends on the version.
        func simplified(_ head: HTTPRequestHead) -> HTTPRequestHead {
            let hosts = head.headers["Host"].count
            let target = RequestTarget(head.uri, method: head.method)
            // The most frequent head is not copied.
            if !isHTTP10, isPersistent, hosts == 1, target == .plain, !head.headers.contains(name: "Connection") {
                return head
            }
            var head = head
            if isHTTP10 {
                // A compressed response has no length, so that it could only be ended by closing the connection.
                head.headers.remove(name: "Accept-Encoding")
                // RFC 9110 §10.1.1: expectations of HTTP/1.0 are ignored.
                head.headers.remove(name: "Expect")
                // `Host` is optional in HTTP/1.0.
                if hosts == 0 { head.headers.add(name: "Host", value: "") }
            }
            // RFC 9112 §3.2: several `Host` fields are as invalid as none.
            if hosts > 1 { head.headers.remove(name: "Host") }
            switch target {
            case .plain:
                break
            case .absolute(let authority, let path):
                head.uri = path
                // RFC 9112 §3.2.2: the field is ignored. A request without it is as invalid as any other (§3.2).
                if head.headers.contains(name: "Host") { head.headers.replaceOrAdd(name: "Host", value: authority) }
            case .invalid:
                head.uri = ""
            }
            head.headers.remove(name: "Connection")
            if !isPersistent { head.headers.add(name: "Connection", value: "close") }
            return head
        }

        /// Frames content of unknown length (RFC 9112 §6): in chunks, or, in HTTP/1.0, by the end of the connection.
        ///
        /// - Returns: whether the end of the connection is the end of the content.
        func frameContent(_ head: inout HTTPResponseHead) -> Bool {
            let hasContent = !isHead && head.status != .noContent && head.status != .notModified
            guard hasContent, !head.headers.contains(name: "Content-Length") else { return false }
            if !isHTTP10 { head.headers.add(name: "Transfer-Encoding", value: "chunked") }
            return isHTTP10
        }

        /// Tells the client whether the connection persists. HTTP/1.1 assumes that it does, HTTP/1.0 that it does not.
        func setPersistence(_ head: inout HTTPResponseHead, isLast: Bool) {
            if isLast {
                head.headers.replaceOrAdd(name: "Connection", value: "close")
            } else if isHTTP10 {
                head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
            }
        }
    }
}

extension HTTP1ConnectionHandler.Exchange {
    init(_ head: HTTPRequestHead) {
        isHTTP10 = head.version != .http1_1
        isHead = head.method == .HEAD
        isUpgrade = head.method == .CONNECT || head.headers.contains(name: "Upgrade")
        // RFC 9112 §6.1: the framing of a body is not reliable if HTTP/1.0 sends chunks, or if there is a transfer coding
        // other than chunked.
        let codings = head.headers["Transfer-Encoding"]
        let isFramingFaulty = !codings.isEmpty && (isHTTP10 || codings.map { $0.lowercased() } != ["chunked"])
        isPersistent = head.isKeepAlive && !isUpgrade && !isFramingFaulty
    }
}
