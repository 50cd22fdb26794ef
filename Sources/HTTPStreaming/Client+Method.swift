extension Client {
    /// A request method (RFC 9110 §9).
    public struct Method: Hashable, Sendable, CustomStringConvertible {
        /// As it stands in the request line; case matters.
        public let description: String

        public init(_ name: String) { description = name }

        public static let get = Method("GET")
        public static let head = Method("HEAD")
        public static let post = Method("POST")
        public static let put = Method("PUT")
        public static let patch = Method("PATCH")
        public static let delete = Method("DELETE")

        /// Whether a request has a body even where no part is given: an empty document then.
        var impliesBody: Bool { self == .post || self == .put || self == .patch }

        /// Whether sending a request twice has the effect of sending it once (RFC 9110 §9.2.2). Of methods
        /// that are not known, nothing is known.
        var isIdempotent: Bool { ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(description) }
    }
}
