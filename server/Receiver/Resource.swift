import HTTPTypes

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
    init?(path: some StringProtocol) {
        guard path.hasPrefix("/") else {
            guard path == "*" else { return nil }
            self = .server
            return
        }
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        switch (segments.first ?? "", segments.count) {
        case ("", 0...1): self = .root
        case ("upload", _): self = .uploads
        case ("files", 1): self = .files
        case ("files", 2):
            let name = segments[segments.startIndex + 1].percentDecoded
            guard FileName.isPublic(name) else { return nil }
            self = .file(named: name)
        case ("echo", 1): self = .echo
        case ("echo", _): self = .text(path.dropFirst("/echo/".count).percentDecoded)
        case ("user-agent", 1): self = .userAgent
        case ("count", 1): self = .count(to: .infinity)
        case ("count", 2): self = .count(to: CountLimit(String(segments[segments.startIndex + 1])))
        case ("health", 1): self = .health
        case ("metrics", 1): self = .metrics
        case (let name, 1): self = .name(name.percentDecoded)
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
