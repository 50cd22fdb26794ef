extension Client {
    /// A request method (RFC 9110 §9).
    public struct Method: Hashable, Sendable, CustomStringConvertible {
        /// The name as sent in the request line; case matters.
        public let description: String

        /// Makes a method from its name. ``Client/init(_:_:configuration:)`` throws if that is not a token.
        public init(_ name: String) { description = name }

        /// Reads a resource (RFC 9110 §9.3.1).
        public static let get = Method("GET")
        /// Reads the header of a resource (RFC 9110 §9.3.2).
        public static let head = Method("HEAD")
        /// Has the resource process the body (RFC 9110 §9.3.3).
        public static let post = Method("POST")
        /// Replaces a resource by the body (RFC 9110 §9.3.4).
        public static let put = Method("PUT")
        /// Changes a resource as the body says (RFC 5789).
        public static let patch = Method("PATCH")
        /// Deletes a resource (RFC 9110 §9.3.5).
        public static let delete = Method("DELETE")

        /// Whether a request without parts still has a body, which is an empty form.
        var impliesBody: Bool { self == .post || self == .put || self == .patch }

        /// Whether sending a request twice has the same effect as sending it once (RFC 9110 §9.2.2). False for unknown
        /// methods.
        var isIdempotent: Bool { ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(description) }
    }
}

extension Client {
    /// The HTTP version of requests. <https://curl.se/libcurl/c/CURLOPT_HTTP_VERSION.html>
    public struct HTTPVersion: Hashable, Sendable {
        enum Kind { case automatic, http1, http2, http2PriorKnowledge }

        let kind: Kind

        /// ``http2`` with libcurl 8.12 or later, ``http1`` with older versions. libcurl 7.88, for example, loses
        /// HTTP/2 responses of servers that refuse a body, and breaks connections whose upload was paused.
        public static let automatic = HTTPVersion(kind: .automatic)

        /// Always HTTP/1.1 (RFC 9112).
        public static let http1 = HTTPVersion(kind: .http1)

        /// With TLS, HTTP/2 if the server offers it (ALPN, RFC 7301); otherwise HTTP/1.1.
        public static let http2 = HTTPVersion(kind: .http2)

        /// Always HTTP/2, without negotiation, with or without TLS (RFC 9113 §3.3).
        public static let http2PriorKnowledge = HTTPVersion(kind: .http2PriorKnowledge)
    }
}

extension Client {
    /// When a request asks with `Expect: 100-continue` whether to send its body (RFC 9110 §10.1.1).
    ///
    /// A server that refuses the request does not receive the body. If it does not answer, the body is sent after
    /// ``Configuration/expectTimeout``. After a 417 the request is sent again without the question.
    public struct Expectation: Hashable, Sendable {
        enum Kind { case automatic, always, never }

        let kind: Kind

        /// Over HTTP/1.1, for bodies of more than 1 MiB or of unknown length.
        public static let automatic = Expectation(kind: .automatic)

        /// For every body.
        public static let always = Expectation(kind: .always)

        /// Sends the body at once.
        public static let never = Expectation(kind: .never)
    }
}

extension Client {
    /// How cookies that a server sets are treated (RFC 6265).
    public struct Cookies: Hashable, Sendable {
        let isEnabled: Bool

        /// Cookies are neither stored nor sent.
        public static let none = Cookies(isEnabled: false)

        /// Cookies are stored in memory until the client is released, and sent to the servers they are meant for.
        public static let inMemory = Cookies(isEnabled: true)
    }
}
