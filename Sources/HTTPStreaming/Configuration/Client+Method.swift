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
