extension Client {
    /// By which proxy the server is reached. Shown, it is without user and password.
    public struct Proxy: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
        CustomReflectable
    {
        enum Kind: Hashable {
            case environment
            case none
            case url(String, noProxy: [String])
        }

        let kind: Kind

        /// As the environment says, read at the beginning of each request as curl does: `https_proxy`,
        /// `http_proxy` (in lower case only: a CGI program's `HTTP_PROXY` is what a client has sent),
        /// `all_proxy`, and `no_proxy`. <https://curl.se/libcurl/c/libcurl-env.html>
        public static let environment = Proxy(kind: .environment)

        /// None, whatever the environment says.
        public static let none = Proxy(kind: .none)

        /// A proxy by its URL. <https://curl.se/libcurl/c/CURLOPT_PROXY.html>
        ///
        /// - Parameters:
        ///   - url: `http` or `https`, which are asked to CONNECT (RFC 9110 §9.3.6) for `https` URLs;
        ///     `socks4` or `socks5`, `socks4a` or `socks5h`: the last two resolve names at the proxy.
        ///     May hold a user and a password, percent-encoded, which are sent by Basic, or as
        ///     RFC 1929 has it. The port is 1080 unless given, and 443 with `https`.
        ///   - noProxy: hosts that are reached without it: names, those below them included, addresses,
        ///     ranges of these (`10.0.0.0/8`), or `*` for all. None unless given, whatever the
        ///     environment says. <https://curl.se/libcurl/c/CURLOPT_NOPROXY.html>
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
                throw ClientError(.invalidConfiguration, "malformed URL of the proxy: \(complaint)")
            }
            guard noProxy.allSatisfy({ !$0.isEmpty && !$0.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: ",") } })
            else {
                throw ClientError(.invalidConfiguration, "a host to reach without the proxy is empty, or several")
            }
        }
    }
}
