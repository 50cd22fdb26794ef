/// One header line of a part.
public struct HeaderField: Hashable, Sendable {
    /// As written; compared without case.
    public var name: String
    /// Without the white space around it. Bytes that are not UTF-8 read as U+FFFD.
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
