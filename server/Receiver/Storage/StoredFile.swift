/// What is told of a stored file.
public struct StoredFile: Hashable, Sendable {
    public let name: String
    /// In bytes.
    public let size: Int
    /// When its content changed last, in seconds since the beginning of 1970, UTC.
    public let modified: Int
    /// Another one for any other content that the name may stand for, now or later. Letters, digits
    /// and `-`.
    public let version: String

    public init(name: String, size: Int, modified: Int, version: String) {
        self.name = name
        self.size = size
        self.modified = modified
        self.version = version
    }
}
