import Crypto
import HTTPTypes

extension Receiver {
    /// Who may write, and which web pages may use the server.
    public struct Access: Hashable, Sendable {
        /// The token that writing requires (`Authorization: Bearer`, RFC 6750). By default anyone may write.
        public var token: String?
        /// The origins whose pages may use this server in a browser (CORS), or `*` for any. None by default.
        ///
        /// An origin is written as browsers write it, `https://example.org`: in lower case, and without the default port
        /// of its scheme. A server that listens on the loopback interface accepts the host names of these origins besides
        /// the names of its machine.
        public var origins: Set<String> = []

        /// The fields that a page of another origin may send.
        private static let requestFields = """
            Authorization, Content-Encoding, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, \
            If-Unmodified-Since, Range, Tus-Resumable, Upload-Checksum, Upload-Complete, Upload-Defer-Length, \
            Upload-Draft-Interop-Version, Upload-Incomplete, Upload-Length, Upload-Metadata, Upload-Offset, \
            Want-Repr-Digest, X-Filename, X-HTTP-Method-Override
            """
        /// The fields that it may read, besides the few that it may always read.
        private static let responseFields = """
            Accept-Ranges, Content-Encoding, Content-Range, ETag, Link, Location, Retry-After, Tus-Checksum-Algorithm, \
            Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Complete, Upload-Draft-Interop-Version, \
            Upload-Expires, Upload-Incomplete, Upload-Length, Upload-Limit, Upload-Metadata, Upload-Offset, \
            WWW-Authenticate
            """

        public init() {}

        /// Checks whether a request may write.
        ///
        /// Any page can make a browser send a form to this server, which may run on the user's own machine without a
        /// token. Hence the check of `Origin`, which pages cannot forge.
        func checkWriting(_ head: HTTPRequest) throws(Refusal) {
            try checkOrigin(head)
            guard !isAuthorized(head) else { return }
            let given = Self.bearerToken(of: head)
            let challenge = "Bearer realm=\"http-streaming\"" + (given == nil ? "" : ", error=\"invalid_token\"")
            throw Refusal(
                .unauthorized, given == nil ? "writing requires a token" : "the token is wrong",
                fields: [.wwwAuthenticate: challenge])
        }

        func checkOrigin(_ head: HTTPRequest) throws(Refusal) {
            if let origin = head.headerFields[.origin], !isAllowed(origin), !isSame(origin, head) {
                throw Refusal(.forbidden, "pages of other origins may not write to this server: see --cors")
            }
        }

        /// Whether the request has the token that writing requires.
        func isAuthorized(_ head: HTTPRequest) -> Bool {
            guard let token else { return true }
            guard let given = Self.bearerToken(of: head) else { return false }
            // Comparing digests takes the same time for every token.
            return SHA256.hash(data: Array(given.utf8)) == SHA256.hash(data: Array(token.utf8))
        }

        static func bearerToken(of head: HTTPRequest) -> String? {
            head.headerFields[.authorization].flatMap(bearerToken)
        }

        /// Whether a server that listens on the loopback interface accepts a host name.
        ///
        /// A page whose name resolves to 127.0.0.1 would have the same origin as the server, and could read and write
        /// (DNS rebinding). Addresses cannot be rebound, and names without a dot are not names of pages: they are
        /// `localhost` or the name of a machine in the local network. A dot at the end belongs to no label: resolvers take
        /// `localhost.` for `localhost`.
        func isOwnName(_ authority: String) -> Bool {
            let name = Self.host(of: authority).lowercased()
            let host = name.hasSuffix(".") ? String(name.dropLast()) : name
            let isAddress = host.hasPrefix("[") && host.hasSuffix("]") || Self.endsInNumber(host)
            return isAddress || !host.contains(".") || host.hasSuffix(".localhost")
                || origins.contains { $0 == "*" || Self.host(of: Self.authority(of: $0)) == host }
        }

        /// Adds the fields that tell a browser which pages of other origins may have a response
        /// (https://fetch.spec.whatwg.org).
        ///
        /// A request for an image or a script does not name its page's origin, so that only `*` lets pages of other
        /// origins embed files. Pages of a single origin can embed them with the attribute `crossorigin`.
        func addFields(to fields: inout HTTPFields, for head: HTTPRequest) {
            fields.restrictUse(isForOtherOrigins: isAllowed(head.headerFields[.origin] ?? ""))
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

        /// Ignores the scheme: this server does not know whether a proxy in front of it adds TLS.
        private func isSame(_ origin: String, _ head: HTTPRequest) -> Bool {
            guard let authority = head.authority, !authority.isEmpty else { return false }
            return Self.authority(of: origin).lowercased() == authority.lowercased()
        }

        /// Whether browsers and resolvers read the host as an IPv4 address, such as `127.1` or `0x7f.0.0.1`: no name of a page
        /// ends in a number (https://url.spec.whatwg.org/#ends-in-a-number-checker).
        private static func endsInNumber(_ host: String) -> Bool {
            let label = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).last ?? []
            let isHexadecimal = label.starts(with: "0x".utf8)
            return isHexadecimal
                ? label.dropFirst(2).allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
                : !label.isEmpty && label.allSatisfy { (48...57).contains($0) }
        }

        /// The authority of an origin; empty for `null`.
        private static func authority(of origin: String) -> String {
            origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) } ?? ""
        }

        /// An authority without its port.
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
