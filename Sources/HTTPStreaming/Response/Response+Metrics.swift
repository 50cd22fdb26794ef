internal import Synchronization

extension Response {
    /// Times and byte counts of a request, as libcurl measures them.
    /// <https://curl.se/libcurl/c/curl_easy_getinfo.html>
    ///
    /// If libcurl sends a request again, because a kept connection was dead or for authentication, the values are those
    /// of the last time it was sent; only ``total`` and ``firstByte`` cover all of it.
    public struct Metrics: Hashable, Sendable {
        /// The time to look up the name of the host or proxy. This, ``connect`` and ``tls`` are close to zero on a
        /// reused connection.
        public internal(set) var nameLookup = Duration.zero
        /// The time to connect, after the name lookup.
        public internal(set) var connect = Duration.zero
        /// The time for a proxy's CONNECT and the TLS handshake, after connecting; zero without TLS.
        public internal(set) var tls = Duration.zero
        /// The time from the start of the request, connecting included, to the first byte of the final response.
        public internal(set) var firstByte = Duration.zero
        /// The time from the start of the request to the end of the response's content; nil before that.
        public internal(set) var total: Duration?

        /// Bytes of header sections sent, before compression by HTTP/2.
        public internal(set) var headerBytesSent: Int64 = 0
        /// Bytes of the body sent, chunked framing included.
        public internal(set) var bodyBytesSent: Int64 = 0
        /// Bytes of header sections received, including informational responses.
        public internal(set) var headerBytesReceived: Int64 = 0
        /// Bytes of content received, before decoding, without chunked framing.
        public internal(set) var bodyBytesReceived: Int64 = 0

        /// The number of connections opened; 0 if one was reused.
        public internal(set) var connectionsOpened = 0
        /// How often the upload (``Client/Resumption``) or the download (``Response/save(to:durability:progress:)-(Path,_,_)``) was
        /// continued after an interruption. The other values are those of the last request; only ``bodyBytesReceived``
        /// counts all of them.
        public internal(set) var resumptions = 0
        /// Bytes of the body that were sent more than once, because the server did not have them after an interruption.
        public internal(set) var bytesSentAgain: Int64 = 0

        /// The version of the response: "1.0", "1.1" or "2".
        public internal(set) var httpVersion = ""
        /// The address that the connection leads to: the server's or the proxy's. Nil with a Unix socket.
        public internal(set) var remoteAddress: String?
        /// The port that the connection leads to; nil with a Unix socket.
        public internal(set) var remotePort: Int?
        /// Whether a proxy was used. Nil if libcurl does not report it: before 8.7, for most proxies from environment
        /// variables.
        public internal(set) var usedProxy: Bool?
    }

    /// The metrics so far; complete once the content has ended. Does not block.
    public var metrics: Metrics { metricsBox.value }
}

/// The metrics of one transfer, written by its agent and read by any thread.
final class MetricsBox: Sendable {
    private struct State {
        var metrics = Response.Metrics()
        /// Those of the transfer that has continued this one.
        var successor: MetricsBox?
        /// Of this transfer and those before it, until the last one has begun.
        var resumptions = 0
        var bodyBytesReceived: Int64 = 0
    }

    private let state = Mutex(State())

    var value: Response.Metrics {
        let state = state.withLock { $0 }
        guard var value = state.successor?.value else { return state.metrics }
        value.resumptions += state.resumptions
        value.bodyBytesReceived += state.bodyBytesReceived
        return value
    }

    func set(_ value: Response.Metrics) { state.withLock { $0.metrics = value } }

    /// Another transfer has continued this download.
    func `continue`(with successor: MetricsBox) {
        let bytes = value.bodyBytesReceived
        state.withLock { state in
            state.successor = successor
            state.resumptions += 1
            state.bodyBytesReceived = bytes
        }
    }
}
