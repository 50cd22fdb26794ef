extension Client {
    /// A request method (RFC 9110 §9).
    public struct Method: Hashable, Sendable, CustomStringConvertible {
        /// As it stands in the request line; case matters.
        public let description: String

        /// Any method; one that is no token is an error of ``Client/init(_:_:configuration:)``.
        public init(_ name: String) { description = name }

        /// RFC 9110 §9.3.1
        public static let get = Method("GET")
        /// RFC 9110 §9.3.2
        public static let head = Method("HEAD")
        /// RFC 9110 §9.3.3
        public static let post = Method("POST")
        /// RFC 9110 §9.3.4
        public static let put = Method("PUT")
        /// RFC 5789
        public static let patch = Method("PATCH")
        /// RFC 9110 §9.3.5
        public static let delete = Method("DELETE")

        /// Whether a request has a body even where no part is given: an empty document then.
        var impliesBody: Bool { self == .post || self == .put || self == .patch }

        /// Whether sending a request twice has the effect of sending it once (RFC 9110 §9.2.2). Of methods
        /// that are not known, nothing is known.
        var isIdempotent: Bool { ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(description) }
    }
}

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

extension Client {
    /// Whether the server is asked before a body is sent, by `Expect: 100-continue` (RFC 9110
    /// §10.1.1). One that refuses has then been spared the body; one that does not answer costs
    /// ``Configuration/expectTimeout``. After a 417 the request is sent again without.
    public struct Expectation: Hashable, Sendable {
        enum Kind { case automatic, always, never }

        let kind: Kind

        /// Over HTTP/1.1, with bodies of more than 1 MiB and those whose length is not known.
        public static let automatic = Expectation(kind: .automatic)

        /// With every body.
        public static let always = Expectation(kind: .always)

        /// The body is sent without asking.
        public static let never = Expectation(kind: .never)
    }
}

extension Client {
    /// What becomes of the cookies that a server sets (RFC 6265).
    public struct Cookies: Hashable, Sendable {
        let isEnabled: Bool

        /// Nothing: they are header fields like any other.
        public static let none = Cookies(isEnabled: false)

        /// They are kept for as long as the client lives, and sent where they belong. Never written
        /// to a file.
        public static let inMemory = Cookies(isEnabled: true)
    }
}
