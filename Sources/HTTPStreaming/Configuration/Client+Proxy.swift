extension Client {
    /// The proxy to connect through. The description does not show user and password.
    public struct Proxy: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
        CustomReflectable
    {
        enum Kind: Hashable {
            case environment
            case none
            case url(String, noProxy: [String])
        }

        let kind: Kind

        /// Uses the environment variables that curl uses, read at the start of each request: `https_proxy`,
        /// `http_proxy` (lower case only: in a CGI program `HTTP_PROXY` is a field sent by a client), `all_proxy` and
        /// `no_proxy`. <https://curl.se/libcurl/c/libcurl-env.html>
        public static let environment = Proxy(kind: .environment)

        /// Uses no proxy and ignores the environment.
        public static let none = Proxy(kind: .none)

        /// Uses the proxy at a URL. <https://curl.se/libcurl/c/CURLOPT_PROXY.html>
        ///
        /// - Parameters:
        ///   - url: The scheme is `http`, `https`, `socks4`, `socks5`, `socks4a` or `socks5h`. HTTP proxies are asked
        ///     to CONNECT (RFC 9110 §9.3.6) for `https` URLs; `socks4a` and `socks5h` resolve names at the proxy. User
        ///     and password, percent-encoded, are sent by Basic authentication or as in RFC 1929. The default port is
        ///     1080, with `https` 443.
        ///   - noProxy: hosts to connect to directly: names (with all subdomains), addresses, address ranges
        ///     (`10.0.0.0/8`), or `*` for all. None by default; the environment is ignored.
        ///     <https://curl.se/libcurl/c/CURLOPT_NOPROXY.html>
        public static func url(_ url: String, noProxy: [String] = []) -> Proxy {
            Proxy(kind: .url(url, noProxy: noProxy))
        }

        public var description: String {
            switch kind {
            case .environment: "environment"
            case .none: "none"
            case .url(let url, _): CurlURL.withoutCredentials(url) ?? "malformed"
            }
        }

        public var debugDescription: String { description }
        public var customMirror: Mirror { Mirror(self, children: []) }

        func validate() throws(ClientError) {
            guard case .url(let url, let noProxy) = kind else { return }
            let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]
            if let complaint = CurlURL.complaint(about: url, schemes: schemes) {
                throw ClientError(.invalidConfiguration, "malformed proxy URL: \(complaint)")
            }
            try ClientError.require(
                noProxy.allSatisfy { !$0.isEmpty && !$0.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: ",") } },
                "a host in noProxy is empty, or contains a comma or white space")
        }
    }
}
