extension Client {
    /// What a client proves itself with to the server. Shown, it is the scheme alone.
    ///
    /// A user and a password in the URL are the same as ``basic(user:password:)``.
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

        /// With each request, from the first one on (RFC 7617). Anyone who reads the connection can
        /// read the password: use TLS.
        ///
        /// - Parameters:
        ///   - user: without a colon.
        ///   - password: any text.
        public static func basic(user: String, password: String) -> Authentication {
            Authentication(kind: .basic(user: user, password: password))
        }

        /// With a digest over what the server gives to that end (RFC 7616). Each request is sent with
        /// an empty body first, and sent again when the server has asked for the digest.
        public static func digest(user: String, password: String) -> Authentication {
            Authentication(kind: .digest(user: user, password: password))
        }

        /// A token, as of OAuth 2.0, with each request (RFC 6750). Who reads it has it: use TLS.
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

        /// Whether libcurl sends a request twice, and itself answers what comes to the first.
        var isDigest: Bool { if case .digest = kind { true } else { false } }

        /// - Parameter headerFields: of the same configuration or request.
        func validate(_ headerFields: HeaderFields) throws(ClientError) {
            guard self == .none || headerFields["Authorization"] == nil else {
                throw ClientError(
                    .invalidConfiguration, "there is an authentication, and a header field Authorization besides")
            }
            let isControl = { (byte: UInt8) in byte < 0x20 || byte == 0x7F }
            switch kind {
            case .none:
                break
            case .basic(let user, let password), .digest(let user, let password):
                guard !user.utf8.contains(where: isControl), !password.utf8.contains(where: isControl) else {
                    throw ClientError(.invalidConfiguration, "the user or the password holds a control character")
                }
                // RFC 7617 §2.
                if case .basic = kind, user.utf8.contains(UInt8(ascii: ":")) {
                    throw ClientError(.invalidConfiguration, "the user of basic authentication holds a colon")
                }
            case .bearer(let token):
                guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                    throw ClientError(.invalidConfiguration, "the bearer token is empty or holds what no token can")
                }
            }
        }
    }
}
