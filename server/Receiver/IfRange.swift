import Platform

/// The value of `If-Range`: a validator of the representation that a range is wanted of (RFC 9110
/// §13.1.5).
enum IfRange: Hashable, Sendable {
    case tag(EntityTag)
    case date(Timestamp)
    /// Neither: never true.
    case invalid

    init(_ field: String, now: Timestamp) {
        var rest = field[...].trimmingOptionalSpace()
        if let tag = EntityTag(readingFrom: &rest) {
            self = rest.isEmpty ? .tag(tag) : .invalid
        } else if let date = Timestamp(httpDate: field, now: now) {
            self = .date(date)
        } else {
            self = .invalid
        }
    }

    /// Whether parts of what the client has and of what is here now are parts of one content.
    ///
    /// - Parameter now: a date is a strong validator only once its second is over, since the file
    ///   may change again in it (§8.8.2.2).
    func holds(tag: EntityTag, modified: Timestamp, now: Timestamp) -> Bool {
        switch self {
        case .tag(let wanted): tag.matchesStrongly(wanted)
        case .date(let wanted): modified == wanted && modified < now
        case .invalid: false
        }
    }
}
