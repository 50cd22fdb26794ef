internal import Synchronization

extension Response {
    /// What a request took, as libcurl counts it. <https://curl.se/libcurl/c/curl_easy_getinfo.html>
    ///
    /// A request that is sent again, where a kept connection turned out dead or authentication needs
    /// a second pass, is counted with the last time, but for ``total`` and ``firstByte``.
    public struct Metrics: Hashable, Sendable {
        /// How long resolving the host's name took, or the proxy's; next to nothing where a
        /// connection was kept, as with the other two.
        public internal(set) var nameLookup = Duration.zero
        /// How long connecting took, after that.
        public internal(set) var connect = Duration.zero
        /// How long TLS took, after that, and what led to it: a proxy's CONNECT. Zero without TLS.
        public internal(set) var tls = Duration.zero
        /// From the request's beginning, name and connecting included, to the first byte of the final
        /// answer.
        public internal(set) var firstByte = Duration.zero
        /// From the request's beginning to the end of the response's content; nil before.
        public internal(set) var total: Duration?

        /// Bytes of header sections sent, whatever they were compressed to (HTTP/2).
        public internal(set) var headerBytesSent: Int64 = 0
        /// Bytes of the body sent, chunked framing included.
        public internal(set) var bodyBytesSent: Int64 = 0
        /// Bytes of header sections received, those of informational responses included.
        public internal(set) var headerBytesReceived: Int64 = 0
        /// Bytes of content received, as they came: coded, without chunked framing.
        public internal(set) var bodyBytesReceived: Int64 = 0

        /// How many connections were opened for it; 0 where a kept one was used.
        public internal(set) var connectionsOpened = 0
        /// Of the response: "1.0", "1.1" or "2".
        public internal(set) var httpVersion = ""
        /// The address at the other end of the connection: the proxy's, where one is used. Nil with a
        /// Unix socket.
        public internal(set) var remoteAddress: String?
        /// The port at the other end; nil with a Unix socket.
        public internal(set) var remotePort: Int?
        /// Whether a proxy was used; nil where libcurl cannot tell, older ones than 8.7 about most of
        /// those that the environment names.
        public internal(set) var usedProxy: Bool?
    }

    /// As known now: complete when the content has ended.
    public var metrics: Metrics { metricsBox.value }
}

/// The metrics of one transfer, written by its agent and read by anyone.
final class MetricsBox: Sendable {
    private let metrics = Mutex(Response.Metrics())

    var value: Response.Metrics { metrics.withLock { $0 } }

    func set(_ value: Response.Metrics) { metrics.withLock { $0 = value } }
}
