import HTTPTypes
import Platform

/// The conditions of a request (RFC 9110 §13.1).
struct Preconditions: Hashable, Sendable {
    enum Verdict: Hashable, Sendable {
        case proceed
        /// 304: the client has the content already.
        case notModified
        /// 412
        case failed
    }

    private let ifMatch: EntityTagCondition?
    private let ifNoneMatch: EntityTagCondition?
    private let ifModifiedSince: Timestamp?
    private let ifUnmodifiedSince: Timestamp?

    /// - Parameter now: see `Timestamp.init(httpDate:now:)`. Invalid dates are ignored, as §13.1.3 and §13.1.4 require.
    init(_ fields: HTTPFields, now: Timestamp) {
        ifMatch = fields[.ifMatch].map(EntityTagCondition.init)
        ifNoneMatch = fields[.ifNoneMatch].map(EntityTagCondition.init)
        ifModifiedSince = fields[.ifModifiedSince].flatMap { Timestamp(httpDate: $0, now: now) }
        ifUnmodifiedSince = fields[.ifUnmodifiedSince].flatMap { Timestamp(httpDate: $0, now: now) }
    }

    /// Whether the request has no condition.
    var isEmpty: Bool { ifMatch == nil && ifNoneMatch == nil && ifModifiedSince == nil && ifUnmodifiedSince == nil }

    /// Whether a `PUT` may write. It ignores `If-Modified-Since` (§13.1.3).
    ///
    /// - Parameter file: the file that has the name now; nil if there is none.
    func allowWriting(_ file: StoredFile?) -> Bool {
        guard let file else { return ifMatch == nil }
        let tag = EntityTag(file.version)
        return isExpected(tag, Timestamp(seconds: file.modified))
            && !(ifNoneMatch?.contains(where: tag.matchesWeakly) ?? false)
    }

    /// The result for `GET` and `HEAD`, in the order of RFC 9110 §13.2.2, steps 1 to 4: a condition with tags overrides
    /// the one with a date.
    func verdict(tag: EntityTag, modified: Timestamp) -> Verdict {
        guard isExpected(tag, modified) else { return .failed }
        let isKnown = ifNoneMatch?.contains(where: tag.matchesWeakly) ?? ifModifiedSince.map { modified <= $0 }
        return isKnown == true ? .notModified : .proceed
    }

    /// Whether the content is the one that `If-Match` or `If-Unmodified-Since` asks for.
    private func isExpected(_ tag: EntityTag, _ modified: Timestamp) -> Bool {
        ifMatch?.contains(where: tag.matchesStrongly) ?? ifUnmodifiedSince.map { modified <= $0 } ?? true
    }
}

/// The value of `If-Range`: a validator of the representation of which the client has a part (RFC 9110 §13.1.5).
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

    /// Whether the part that the client has belongs to the current content.
    ///
    /// - Parameter now: a date is a strong validator only after its second is over, because the file may change again
    ///   within it (§8.8.2.2).
    func holds(tag: EntityTag, modified: Timestamp, now: Timestamp) -> Bool {
        switch self {
        case .tag(let wanted): tag.matchesStrongly(wanted)
        case .date(let wanted): modified == wanted && modified < now
        case .invalid: false
        }
    }
}
