/// The value of `If-Match` and `If-None-Match` (RFC 9110 §13.1.1, §13.1.2).
enum EntityTagCondition: Hashable, Sendable {
    /// `*`: whatever there is.
    case any
    case tags([EntityTag])

    /// What cannot be read ends the list: it matches nothing.
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
