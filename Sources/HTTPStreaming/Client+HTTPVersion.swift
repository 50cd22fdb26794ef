extension Client {
    /// Which HTTP is spoken. <https://curl.se/libcurl/c/CURLOPT_HTTP_VERSION.html>
    public struct HTTPVersion: Hashable, Sendable {
        enum Kind { case automatic, http1, http2, http2PriorKnowledge }

        let kind: Kind

        /// ``http2`` with libcurl 8.12 or later, and ``http1`` with older ones: 7.88, for one, loses the
        /// answers of servers that refuse a body, and breaks connections whose sending has been paused.
        public static let automatic = HTTPVersion(kind: .automatic)

        /// HTTP/1.1 (RFC 9112), whatever else the server speaks.
        public static let http1 = HTTPVersion(kind: .http1)

        /// With TLS, HTTP/2 where the server takes it (ALPN, RFC 7301); otherwise HTTP/1.1.
        public static let http2 = HTTPVersion(kind: .http2)

        /// HTTP/2 (RFC 9113 §3.3), without asking; for servers known to speak it, without TLS too.
        public static let http2PriorKnowledge = HTTPVersion(kind: .http2PriorKnowledge)
    }
}
