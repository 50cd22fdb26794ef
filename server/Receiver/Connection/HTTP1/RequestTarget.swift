import NIOHTTP1

/// The target in a request line (RFC 9112 §3.2). The codec after ``HTTP1ConnectionHandler`` takes the path out of a URL of
/// any scheme and ignores its host.
enum RequestTarget: Equatable {
    /// A path, `*`, or the authority of `CONNECT`: passed on as it is.
    case plain
    /// `http://host/path?query`, as clients send it to proxies. Servers must accept it, too (§3.2.2). The request is for
    /// this host, whatever its `Host` field says. `path` has the query, or is `*` (§3.2.4).
    case absolute(authority: String, path: String)
    /// Anything else, such as a URL without a host.
    case invalid

    init(_ uri: String, method: HTTPMethod) {
        // Nearly every target begins with a slash.
        guard uri.utf8.first != UInt8(ascii: "/"), uri != "*", method != .CONNECT else {
            self = .plain
            return
        }
        let scheme = uri.prefix { $0 != ":" }.lowercased()
        let rest = uri.dropFirst(scheme.count)
        guard ["http", "https"].contains(scheme), rest.utf8.starts(with: "://".utf8) else {
            self = .invalid
            return
        }
        let afterScheme = rest.utf8.dropFirst("://".utf8.count)
        let end = afterScheme.firstIndex { "/?".utf8.contains($0) } ?? afterScheme.endIndex
        let (authority, path) = (String(uri[afterScheme.startIndex..<end]), uri[end...])
        guard !authority.isEmpty else {
            self = .invalid
            return
        }
        if path.isEmpty, method == .OPTIONS {
            self = .absolute(authority: authority, path: "*")
        } else {
            self = .absolute(authority: authority, path: (path.utf8.first == UInt8(ascii: "/") ? "" : "/") + path)
        }
    }
}
