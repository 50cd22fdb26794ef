/// A validator of a representation (RFC 9110 §8.8.3).
struct EntityTag: Hashable, Sendable, CustomStringConvertible {
    /// Whether equal tags promise equal content only, rather than equal bytes.
    let isWeak: Bool
    /// Without the quotation marks.
    let opaque: String

    init(_ opaque: String, isWeak: Bool = false) {
        self.opaque = opaque
        self.isWeak = isWeak
    }

    /// Reads a tag off the beginning of a text.
    ///
    /// - Parameter text: loses what was read.
    /// - Returns: nil where it does not begin with a tag.
    init?(readingFrom text: inout Substring) {
        var rest = text
        isWeak = rest.hasPrefix("W/")
        if isWeak { rest.removeFirst(2) }
        guard rest.popFirst() == "\"", let end = rest.firstIndex(of: "\"") else { return nil }
        opaque = String(rest[..<end])
        text = rest[rest.index(after: end)...]
    }

    var description: String { isWeak ? "W/\"\(opaque)\"" : "\"\(opaque)\"" }

    /// Whether both are strong and the same (RFC 9110 §8.8.3.2).
    func matchesStrongly(_ other: EntityTag) -> Bool { self == other && !isWeak }

    /// Whether both are the same, weak or not.
    func matchesWeakly(_ other: EntityTag) -> Bool { opaque == other.opaque }
}
