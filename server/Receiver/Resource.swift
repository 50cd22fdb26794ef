import HTTPTypes
import Platform

/// What a request's path names.
enum Resource: Hashable, Sendable {
    /// `*`: the server (RFC 9110 §7.1).
    case server
    /// `/`
    case root
    /// `/upload`, and any path below it: clients of other servers send to one.
    case uploads
    /// `/files`: what is stored.
    case files
    /// `/files/{name}`: one file of it.
    case file(named: String)
    /// `/echo`: sends back what comes.
    case echo
    /// `/echo/{text}`
    case text(String)
    /// `/user-agent`
    case userAgent
    /// `/count`, `/count/{n}`: counts, to n or without an end; `nil` for what is no number.
    case count(to: CountLimit?)
    /// `/health`
    case health
    /// `/metrics`
    case metrics
    /// `/{name}`: where nothing is, and a file can be put.
    case name(String)

    /// - Parameter path: without the query.
    /// - Returns: nil where nothing can be.
    init?(path: Substring) {
        guard path.utf8.first == UInt8(ascii: "/") else {
            guard path == "*" else { return nil }
            self = .server
            return
        }
        let path = path.dropFirst()
        let slash = path.utf8.firstIndex(of: UInt8(ascii: "/"))
        // Nil where nothing follows the first segment.
        let rest = slash.map { path[path.utf8.index(after: $0)...] }
        let isOneMore = rest.map { !$0.utf8.contains(UInt8(ascii: "/")) } ?? false
        switch (path[..<(slash ?? path.endIndex)], rest) {
        case ("", nil): self = .root
        case ("upload", _): self = .uploads
        case ("files", nil): self = .files
        case ("files", let rest?) where isOneMore:
            let name = rest.percentDecoded
            guard FileName.isPublic(name) else { return nil }
            self = .file(named: name)
        case ("echo", nil): self = .echo
        case ("echo", let rest?): self = .text(rest.percentDecoded)
        case ("user-agent", nil): self = .userAgent
        case ("count", nil): self = .count(to: .infinity)
        case ("count", let rest?) where isOneMore: self = .count(to: CountLimit(String(rest)))
        case ("health", nil): self = .health
        case ("metrics", nil): self = .metrics
        case (let name, nil): self = .name(name.percentDecoded)
        default: return nil
        }
    }

    /// The methods that a resource takes.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .server: [.get, .head, .post, .put, .options]
        case .root: [.get, .head, .post, .put, .options]
        case .uploads, .echo: [.post, .options]
        case .file: [.get, .head, .post, .put, .options]
        case .files, .text, .userAgent, .count, .health, .metrics: [.get, .head, .options]
        case .name: [.put, .options]
        }
    }
}
