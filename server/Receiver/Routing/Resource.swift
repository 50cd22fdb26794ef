import HTTPTypes
import Platform

/// The resource that a request's path names.
enum Resource: Hashable, Sendable {
    /// `*`: the server (RFC 9110 §7.1).
    case server
    /// `/`
    case root
    /// `/upload` and any path below it: clients that were written for other servers use such paths.
    case uploads
    /// `/files`: the list of stored files.
    case files
    /// `/files/{name}`: a stored file. The name may have folders.
    case file(named: String)
    /// `/echo`: streams the request body back as it arrives.
    case echo
    /// `/echo/{text}`
    case text(String)
    /// `/user-agent`
    case userAgent
    /// `/count`, `/count/{n}`: counts to n, or without end (`Int.max`); nil if n is not a number.
    case count(to: Int?)
    /// `/health`
    case health
    /// `/metrics`
    case metrics
    /// `/.uploads/{id}`: an upload that can be interrupted.
    case unfinished(UploadID)
    /// The path below which uploads of tus are: begins them.
    case tus
    /// Below that path: an upload of tus.
    case tusUpload(UploadID)
    /// `/{name}`: accepts the `PUT` of a file, and has no content.
    case name(String)

    static let unfinishedFolder = ".uploads"

    /// - Parameters:
    ///   - path: without the query.
    ///   - keepsPaths: whether the names of files have folders.
    ///   - tusPath: where uploads of tus are, with a slash at both ends; nil for nowhere.
    /// - Returns: nil if no resource has this path.
    init?(path: Substring, keepsPaths: Bool = false, tusPath: String? = nil) {
        if let tusPath, path.utf8.starts(with: tusPath.utf8) {
            let rest = Substring(path.utf8.dropFirst(tusPath.utf8.count))
            if let upload = rest.isEmpty ? .tus : UploadID(rest).map(Self.tusUpload) {
                self = upload
                return
            }
        }
        guard path.utf8.first == UInt8(ascii: "/") else {
            guard path == "*" else { return nil }
            self = .server
            return
        }
        let path = path.dropFirst()
        let slash = path.utf8.firstIndex(of: UInt8(ascii: "/"))
        // Nil if the path has one segment.
        let rest = slash.map { path[path.utf8.index(after: $0)...] }
        let isOneSegment = rest.map { !$0.utf8.contains(UInt8(ascii: "/")) } ?? false
        switch (path[..<(slash ?? path.endIndex)], rest) {
        case ("", nil): self = .root
        case ("upload", _): self = .uploads
        case ("files", nil): self = .files
        case ("files", let rest?) where isOneSegment || keepsPaths:
            let name = rest.percentDecoded
            let components = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            guard components.allSatisfy({ !$0.isEmpty && !$0.contains(0) }), keepsPaths || components.count == 1 else {
                return nil
            }
            self = .file(named: name)
        case (Self.unfinishedFolder[...], let rest?):
            guard let id = UploadID(rest) else { return nil }
            self = .unfinished(id)
        case ("echo", nil): self = .echo
        case ("echo", let rest?): self = .text(rest.percentDecoded)
        case ("user-agent", nil): self = .userAgent
        case ("count", nil): self = .count(to: .max)
        case ("count", let rest?) where isOneSegment: self = .count(to: CountRequest.limit(rest))
        case ("health", nil): self = .health
        case ("metrics", nil): self = .metrics
        case (let name, nil): self = .name(name.percentDecoded)
        default: return nil
        }
    }

    static func path(ofFile name: String) -> String {
        "/files/"
            + name.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)).percentEncoded }
            .joined(separator: "/")
    }

    /// The methods that the resource accepts.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .server, .root, .file: [.get, .head, .post, .put, .options]
        case .uploads, .echo: [.post, .options]
        case .files, .text, .userAgent, .count, .health, .metrics: [.get, .head, .options]
        case .name: [.put, .options]
        case .unfinished: [.head, .patch, .delete, .options]
        case .tus: [.post, .options]
        case .tusUpload: [.head, .patch, .delete, .post, .options]
        }
    }
}

extension HTTPRequest {
    /// The value of a parameter of the query, decoded as a form (https://url.spec.whatwg.org/#urlencoded-parsing); nil if
    /// there is none. Of several the last one counts.
    func queryValue(_ name: String) -> String? {
        let query = (path ?? "").utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1).dropFirst().first
        let parameter = query?.split(separator: UInt8(ascii: "&")).last { $0.starts(with: (name + "=").utf8) }
        return parameter.map {
            Substring($0.dropFirst(name.utf8.count + 1)).replacing("+", with: " ").percentDecoded
        }
    }

    /// Split at the byte `?`: a `?` followed by a combining accent is one character that does not equal `?`.
    var pathWithoutQuery: Substring {
        let path = path ?? ""
        return path[..<(path.utf8.firstIndex(of: UInt8(ascii: "?")) ?? path.endIndex)]
    }
}

extension HTTPRequest.Method {
    /// Whether it is a method of RFC 9110, or `PATCH`. A resource may not allow it, but its meaning is known. Other
    /// methods are answered with 501.
    var isKnown: Bool {
        switch self {
        case .get, .head, .post, .put, .delete, .connect, .options, .trace, .patch: true
        default: false
        }
    }
}
