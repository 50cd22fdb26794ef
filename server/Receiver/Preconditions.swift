import HTTPTypes
import Platform

/// The conditions of a request (RFC 9110 §13.1).
struct Preconditions: Hashable, Sendable {
    enum Verdict: Hashable, Sendable {
        case proceed
        /// 304: the client has it already.
        case notModified
        /// 412
        case failed
    }

    private let ifMatch: EntityTagCondition?
    private let ifNoneMatch: EntityTagCondition?
    private let ifModifiedSince: Timestamp?
    private let ifUnmodifiedSince: Timestamp?

    /// - Parameter now: see ``Timestamp/init(httpDate:now:)``. A date that is none is ignored, as
    ///   §13.1.3 and §13.1.4 demand.
    init(_ fields: HTTPFields, now: Timestamp) {
        ifMatch = fields[.ifMatch].map(EntityTagCondition.init)
        ifNoneMatch = fields[.ifNoneMatch].map(EntityTagCondition.init)
        ifModifiedSince = fields[.ifModifiedSince].flatMap { Timestamp(httpDate: $0, now: now) }
        ifUnmodifiedSince = fields[.ifUnmodifiedSince].flatMap { Timestamp(httpDate: $0, now: now) }
    }

    /// Whether any was given.
    var isEmpty: Bool { ifMatch == nil && ifNoneMatch == nil && ifModifiedSince == nil && ifUnmodifiedSince == nil }

    /// Whether a `PUT` may go on. `If-Modified-Since` means nothing to it (§13.1.3).
    ///
    /// - Parameter file: what is stored under the name now; nil where nothing is.
    func allowWriting(_ file: StoredFile?) -> Bool {
        guard let file else { return ifMatch == nil }
        let tag = EntityTag(file.version)
        if let ifMatch {
            guard ifMatch.contains(where: tag.matchesStrongly) else { return false }
        } else if let ifUnmodifiedSince {
            guard Timestamp(seconds: file.modified) <= ifUnmodifiedSince else { return false }
        }
        return ifNoneMatch.map { !$0.contains(where: tag.matchesWeakly) } ?? true
    }

    /// Of `GET` and `HEAD`, in the order of RFC 9110 §13.2.2, steps 1 to 4: a tag, where there is one, makes the date
    /// of the same kind void.
    func verdict(tag: EntityTag, modified: Timestamp) -> Verdict {
        if let ifMatch {
            guard ifMatch.contains(where: tag.matchesStrongly) else { return .failed }
        } else if let ifUnmodifiedSince {
            guard modified <= ifUnmodifiedSince else { return .failed }
        }
        if let ifNoneMatch {
            return ifNoneMatch.contains(where: tag.matchesWeakly) ? .notModified : .proceed
        }
        if let ifModifiedSince, modified <= ifModifiedSince { return .notModified }
        return .proceed
    }
}
