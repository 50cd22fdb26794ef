import HTTPTypes
import Platform

/// A `GET` or `HEAD` request for a file, as its head says.
struct DownloadRequest: Hashable, Sendable {
    /// One path component.
    let name: String
    private let accepted: AcceptEncoding
    private let preconditions: Preconditions
    private let ifRange: IfRange?
    private let range: RequestedRange?
    private let now: Timestamp

    /// - Parameter now: when the request came.
    init(_ head: HTTPRequest, file name: String, now: Timestamp = .now) {
        let fields = head.headerFields
        self.name = name
        self.now = now
        accepted = AcceptEncoding(fields[.acceptEncoding])
        preconditions = Preconditions(fields, now: now)
        ifRange = fields[.ifRange].map { IfRange($0, now: now) }
        // RFC 9110 §14.2: of other methods than GET the field is ignored.
        range = head.method == .get ? fields[.range].flatMap(RequestedRange.init) : nil
    }

    /// Whether the content would be sent compressed if that made it smaller.
    var wantsCoding: Bool { representation(isWorthCoding: true) != .identity }

    /// What to answer.
    ///
    /// First the representation, since a tag is one's own; then the conditions, which do not matter
    /// where the answer would be an error (RFC 9110 §13.2.1); then the range (§13.2.2).
    ///
    /// - Parameter isWorthCoding: whether the content becomes smaller.
    /// - Throws: ``Refusal`` for 406, 412 and 416.
    func plan(for file: StoredFile, isWorthCoding: Bool) throws(Refusal) -> DownloadPlan {
        guard let representation = representation(isWorthCoding: isWorthCoding) else {
            throw Refusal(
                .notAcceptable, "the file can be sent as it is, or as gzip or deflate; Accept-Encoding excludes all",
                fields: DownloadPlan.varying
            )
        }
        // RFC 9110 §8.8.2.1: never later than the answer.
        let modified = min(Timestamp(seconds: file.modified), now)
        var plan = DownloadPlan(file: file, representation, modified: modified)
        switch preconditions.verdict(tag: plan.tag, modified: modified) {
        case .proceed: break
        case .notModified:
            plan.becomeNotModified()
            return plan
        case .failed:
            throw Refusal(
                .preconditionFailed, "the file is not the one that is asked for", fields: DownloadPlan.varying)
        }
        guard let range, representation == .identity,
            ifRange?.holds(tag: plan.tag, modified: modified, now: now) ?? true
        else { return plan }
        switch range.resolved(in: file.size) {
        case .whole: break
        case .part(let range): plan.becomePartial(range, of: file.size)
        case .unsatisfiable:
            var fields = DownloadPlan.varying
            fields[.contentRange] = "bytes */\(file.size)"
            throw Refusal(.rangeNotSatisfiable, "the file has \(file.size) bytes", fields: fields)
        }
        return plan
    }

    /// A range is one of the file's own bytes, so long as these are acceptable.
    private func representation(isWorthCoding: Bool) -> Representation? {
        accepted.preferred(isWorthCoding: isWorthCoding && range == nil)
    }
}
