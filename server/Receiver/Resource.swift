import HTTPTypes

/// What a request's path names.
enum Resource: Hashable, Sendable {
    /// `/`
    case root
    /// `/upload`, and any path below it: clients of other servers send to one.
    case uploads
    /// `/files`: what is stored.
    case files
    /// `/files/{name}`: one file of it.
    case file(named: String)
    /// `/{name}`: where nothing is, and a file can be put.
    case name(String)

    /// - Parameter path: without the query.
    /// - Returns: nil where nothing can be.
    init?(path: some StringProtocol) {
        guard path.hasPrefix("/") else { return nil }
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        switch (segments.first ?? "", segments.count) {
        case ("", 0...1): self = .root
        case ("upload", _): self = .uploads
        case ("files", 1): self = .files
        case ("files", 2):
            let name = segments[segments.startIndex + 1].percentDecoded
            guard FileName.isPublic(name) else { return nil }
            self = .file(named: name)
        case (let name, 1): self = .name(name.percentDecoded)
        default: return nil
        }
    }

    /// The methods that a resource takes.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .root: [.post, .put, .options]
        case .uploads: [.post, .options]
        case .files, .file: [.get, .head, .options]
        case .name: [.put, .options]
        }
    }
}
