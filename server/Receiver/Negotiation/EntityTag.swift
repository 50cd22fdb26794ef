/// A validator of a representation (RFC 9110 §8.8.3).
struct EntityTag: Hashable, Sendable, CustomStringConvertible {
    /// Whether equal tags mean equivalent content, not equal bytes.
    let isWeak: Bool
    /// Without the quotation marks.
    let opaque: String

    init(_ opaque: String, isWeak: Bool = false) {
        self.opaque = opaque
        self.isWeak = isWeak
    }

    /// Reads a tag from the beginning of a text.
    ///
    /// - Parameter text: loses the tag.
    /// - Returns: nil if the text does not begin with a tag.
    init?(readingFrom text: inout Substring) {
        var rest = text
        isWeak = rest.hasPrefix("W/")
        if isWeak { rest.removeFirst(2) }
        guard rest.popFirst() == "\"", let end = rest.firstIndex(of: "\"") else { return nil }
        opaque = String(rest[..<end])
        text = rest[rest.index(after: end)...]
    }

    var description: String { isWeak ? "W/\"\(opaque)\"" : "\"\(opaque)\"" }

    /// Whether both are strong and equal (RFC 9110 §8.8.3.2).
    func matchesStrongly(_ other: EntityTag) -> Bool { self == other && !isWeak }

    /// Whether both are equal, weak or not.
    func matchesWeakly(_ other: EntityTag) -> Bool { opaque == other.opaque }
}

/// The value of `If-Match` or `If-None-Match` (RFC 9110 §13.1.1, §13.1.2).
enum EntityTagCondition: Hashable, Sendable {
    /// `*`: any representation.
    case any
    case tags([EntityTag])

    /// An invalid member ends the list.
    init(_ field: String) {
        var rest = field[...].trimmingOptionalSpace()
        if rest == "*" {
            self = .any
            return
        }
        var tags: [EntityTag] = []
        while true {
            rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
            guard let tag = EntityTag(readingFrom: &rest) else { break }
            tags.append(tag)
        }
        self = .tags(tags)
    }

    func contains(where matches: (EntityTag) -> Bool) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(where: matches)
        }
    }
}
