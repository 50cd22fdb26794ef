import HTTPTypes
import Platform

/// `GET /files?after={name}&limit={n}`: a request for one page of the list of stored files.
struct FileListRequest: Hashable, Sendable {
    private static let defaultLimit = 1000
    private static let maximumLimit = 10_000

    /// The page begins after this name; nil for the first page.
    let after: String?
    /// The most files of the page.
    let limit: Int

    /// - Throws: ``Refusal`` if the limit is invalid.
    init(_ head: HTTPRequest) throws(Refusal) {
        after = head.queryValue("after")
        limit = min(try head.queryValue("limit").map(Self.limit) ?? Self.defaultLimit, Self.maximumLimit)
    }

    /// The path and query of the page that begins after `name`.
    func next(after name: String) -> String { "/files?after=\(name.percentEncoded)&limit=\(limit)" }

    private static func limit(_ text: String) throws(Refusal) -> Int {
        guard let limit = Int(text), limit > 0 else {
            throw Refusal(.malformed, "limit is the number of files of one page, at least 1")
        }
        return limit
    }
}
