import HTTPTypes
import Platform

/// A `GET` or `HEAD` request for a file.
struct DownloadRequest: Hashable, Sendable {
    /// One path component.
    let name: String
    private let accepted: AcceptEncoding
    private let preconditions: Preconditions
    private let ifRange: IfRange?
    private let range: RequestedRange?
    private let now: Timestamp

    /// - Parameter now: when the request arrived.
    init(_ head: HTTPRequest, file name: String, now: Timestamp = .now) {
        let fields = head.headerFields
        self.name = name
        self.now = now
        accepted = AcceptEncoding(fields[.acceptEncoding])
        preconditions = Preconditions(fields, now: now)
        ifRange = fields[.ifRange].map { IfRange($0, now: now) }
        // RFC 9110 §14.2: only GET has ranges.
        range = head.method == .get ? fields[.range].flatMap(RequestedRange.init) : nil
    }

    /// Whether the content is to be compressed if that makes it smaller.
    var wantsCoding: Bool { representation(isWorthCoding: true) != .identity }

    /// Decides the response.
    ///
    /// First the representation, because each has its own tag; then the conditions, which do not apply to errors
    /// (RFC 9110 §13.2.1); then the range (§13.2.2).
    ///
    /// - Parameter isWorthCoding: whether coding makes the content smaller.
    /// - Throws: ``Refusal`` for 406, 412 and 416.
    func plan(for file: StoredFile, isWorthCoding: Bool) throws(Refusal) -> DownloadPlan {
        guard let representation = representation(isWorthCoding: isWorthCoding) else {
            throw AcceptEncoding.refusal
        }
        // RFC 9110 §8.8.2.1: never later than the response.
        let modified = min(Timestamp(seconds: file.modified), now)
        var plan = DownloadPlan(file: file, representation, modified: modified)
        switch preconditions.verdict(tag: plan.tag, modified: modified) {
        case .proceed: break
        case .notModified:
            plan.becomeNotModified()
            return plan
        case .failed:
            throw Refusal(
                .preconditionFailed, "a condition of the request is false: the file is another one",
                fields: AcceptEncoding.varying)
        }
        guard let range, representation == .identity,
            ifRange?.holds(tag: plan.tag, modified: modified, now: now) ?? true
        else { return plan }
        switch range.resolved(in: file.size) {
        case .whole: break
        case .part(let range): plan.becomePartial(range, of: file.size)
        case .unsatisfiable:
            var fields = AcceptEncoding.varying
            fields[.contentRange] = "bytes */\(file.size)"
            throw Refusal(.rangeNotSatisfiable, "the file has \(file.size) bytes", fields: fields)
        }
        return plan
    }

    /// A range selects bytes of the uncoded file, if that form is acceptable.
    private func representation(isWorthCoding: Bool) -> Representation? {
        accepted.preferred(isWorthCoding: isWorthCoding && range == nil)
    }
}
