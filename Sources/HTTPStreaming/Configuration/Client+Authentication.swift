extension Client {
    /// Credentials that are sent to the server. The description shows the scheme only.
    ///
    /// A user and password in the URL act like ``basic(user:password:)``.
    public struct Authentication: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
        CustomReflectable
    {
        enum Kind: Hashable {
            case none
            case basic(user: String, password: String)
            case digest(user: String, password: String)
            case bearer(String)
        }

        let kind: Kind

        /// No credentials are sent.
        public static let none = Authentication(kind: .none)

        /// Sends user and password with every request (RFC 7617). Use TLS: the password is readable on the wire.
        ///
        /// - Parameters:
        ///   - user: no colon and no control characters.
        ///   - password: no control characters.
        public static func basic(user: String, password: String) -> Authentication {
            Authentication(kind: .basic(user: user, password: password))
        }

        /// Sends a digest computed from the password and the server's challenge (RFC 7616). Each request is first
        /// sent with an empty body, to get the challenge.
        ///
        /// - Parameters:
        ///   - user: no control characters.
        ///   - password: no control characters.
        public static func digest(user: String, password: String) -> Authentication {
            Authentication(kind: .digest(user: user, password: password))
        }

        /// Sends a token, such as one of OAuth 2.0, with every request (RFC 6750). Use TLS: the token is readable on
        /// the wire.
        ///
        /// - Parameter token: visible ASCII characters, at least one.
        public static func bearer(_ token: String) -> Authentication {
            Authentication(kind: .bearer(token))
        }

        public var description: String {
            switch kind {
            case .none: "none"
            case .basic: "basic"
            case .digest: "digest"
            case .bearer: "bearer"
            }
        }

        public var debugDescription: String { description }
        public var customMirror: Mirror { Mirror(self, children: []) }

        /// Whether libcurl handles the 401 challenge and sends the request again by itself.
        var isDigest: Bool { if case .digest = kind { true } else { false } }

        /// - Parameter headerFields: those of the same configuration or request.
        func validate(_ headerFields: HeaderFields) throws(ClientError) {
            try ClientError.require(
                self == .none || headerFields["Authorization"] == nil,
                "credentials are given both as authentication and in the header field Authorization")
            let isControl = { (byte: UInt8) in byte < 0x20 || byte == 0x7F }
            switch kind {
            case .none:
                break
            case .basic(let user, let password), .digest(let user, let password):
                try ClientError.require(
                    !user.utf8.contains(where: isControl) && !password.utf8.contains(where: isControl),
                    "the user or the password contains a control character")
                // RFC 7617 §2.
                if case .basic = kind, user.utf8.contains(UInt8(ascii: ":")) {
                    throw ClientError(.invalidConfiguration, "the user of basic authentication contains a colon")
                }
            case .bearer(let token):
                try ClientError.require(
                    !token.isEmpty && token.utf8.allSatisfy { (0x21...0x7E).contains($0) },
                    "the bearer token is empty or contains characters other than visible ASCII")
            }
        }
    }
}
