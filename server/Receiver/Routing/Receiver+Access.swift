import Crypto
import HTTPTypes

extension Receiver {
    /// Who may write, and who may look on from another web page.
    public struct Access: Hashable, Sendable {
        /// The token that writing takes (`Authorization: Bearer`, RFC 6750); anyone may write unless set.
        public var token: String?
        /// Origins, as browsers write them, `https://example.org` (in lower case, and without a port that is the scheme's
        /// own), whose pages may use this server in a browser (CORS); `*` for any. A server that
        /// listens on the loopback interface answers to their names besides this machine's. None unless set.
        public var origins: Set<String> = []

        /// What a page of another origin may ask for.
        private static let requestFields = """
            Authorization, Content-Encoding, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, \
            If-Unmodified-Since, Range, Want-Repr-Digest, X-Filename
            """
        /// What it may see, besides the few that it always may.
        private static let responseFields = """
            Accept-Ranges, Content-Encoding, Content-Range, ETag, Location, Retry-After, WWW-Authenticate
            """

        public init() {}

        /// Judges whether a request may write.
        ///
        /// A browser sends what any page has it send, a form across origins too, and this server may run on its
        /// user's own machine, where nobody asks for a token: hence the look at `Origin`, which pages cannot forge.
        func judgeWriting(_ head: HTTPRequest) throws(Refusal) {
            if let origin = head.headerFields[.origin], !isAllowed(origin), !isSame(origin, head) {
                throw Refusal(.forbidden, "pages of other origins may not write here: see --cors")
            }
            guard let token else { return }
            let given = head.headerFields[.authorization].flatMap(Self.bearerToken)
            // Digests, whose comparison takes the same time whatever is in them.
            if let given, SHA256.hash(data: Array(given.utf8)) == SHA256.hash(data: Array(token.utf8)) { return }
            let challenge = "Bearer realm=\"http-streaming\"" + (given == nil ? "" : ", error=\"invalid_token\"")
            throw Refusal(
                .unauthorized, given == nil ? "writing takes a token" : "the token is not the right one",
                fields: [.wwwAuthenticate: challenge])
        }

        /// Whether a server that only this machine can reach answers to a name.
        ///
        /// A page whose name is made to lead here would pass for the server's own, and could read and write (DNS
        /// rebinding). An address cannot be made to lead elsewhere, and names without a dot are no page's: they are
        /// `localhost`, or what a machine is called at home.
        func isOwnName(_ authority: String) -> Bool {
            let host = Self.host(of: authority).lowercased()
            let isAddress =
                host.hasPrefix("[") && host.hasSuffix("]")
                || host.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
            return isAddress || !host.contains(".") || host.hasSuffix(".localhost")
                || origins.contains { $0 == "*" || Self.host(of: Self.authority(of: $0)) == host }
        }

        /// Adds what a browser needs to show a response to a page of another origin (https://fetch.spec.whatwg.org).
        func addFields(to fields: inout HTTPFields, for head: HTTPRequest) {
            guard !origins.isEmpty else { return }
            if !origins.contains("*") { fields[.vary] = fields[.vary].map { $0 + ", Origin" } ?? "Origin" }
            guard let origin = head.headerFields[.origin], isAllowed(origin) else { return }
            fields[.accessControlAllowOrigin] = origins.contains("*") ? "*" : origin
            fields[.accessControlExposeHeaders] = Self.responseFields
            guard head.method == .options, head.headerFields[.accessControlRequestMethod] != nil else { return }
            fields[.accessControlAllowMethods] = fields[.allow]
            fields[.accessControlAllowHeaders] = Self.requestFields
            fields[.accessControlMaxAge] = "600"
        }

        private func isAllowed(_ origin: String) -> Bool { origins.contains("*") || origins.contains(origin) }

        /// The scheme is not compared: who takes off TLS in front of this server knows it, this server does not.
        private func isSame(_ origin: String, _ head: HTTPRequest) -> Bool {
            guard let authority = head.authority, !authority.isEmpty else { return false }
            return Self.authority(of: origin).lowercased() == authority.lowercased()
        }

        /// Of an origin; empty where it has none (`null`).
        private static func authority(of origin: String) -> String {
            origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) } ?? ""
        }

        /// Whether only this machine can reach what listens on a host.
        static func isLoopback(_ host: String) -> Bool {
            let host = host.lowercased()
            return host == "localhost" || host == "::1" || host.hasPrefix("127.") || host.hasPrefix("::ffff:127.")
        }

        /// Without the port.
        private static func host(of authority: String) -> String {
            guard let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":")),
                authority[authority.utf8.index(after: colon)...].utf8.allSatisfy({ (48...57).contains($0) }),
                !authority[..<colon].utf8.contains(UInt8(ascii: ":")) || authority[..<colon].hasSuffix("]")
            else { return authority }
            return String(authority[..<colon])
        }

        private static func bearerToken(_ field: String) -> String? {
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
            return String(parts[1].drop { $0 == " " })
        }
    }
}
