import HTTPTypes

/// The interop versions of draft-ietf-httpbis-resumable-upload that the server speaks. Version 4 has never been used.
enum DraftVersion: Int, Hashable, Sendable, CaseIterable {
    /// Draft -01: `Upload-Incomplete` instead of `Upload-Complete`.
    case three = 3
    /// Draft -03.
    case five = 5
    /// Drafts -04 and -05: the media type of `PATCH`, and `Upload-Limit`.
    case six = 6
    /// Drafts -06 to -08: `Upload-Length`, and problem details.
    case seven = 7
    /// Drafts -09 to -11.
    case eight = 8

    static let mediaType = "application/partial-upload"

    /// The version that a request names.
    ///
    /// - Returns: nil if it names none, or one that the server does not speak.
    init?(_ fields: HTTPFields) {
        guard let value = fields[.uploadDraftInteropVersion], let number = StructuredField.integer(value) else {
            return nil
        }
        self.init(rawValue: number)
    }

    private var usesIncomplete: Bool { self == .three }

    /// Whether the request holds the last byte of the upload; nil if it does not say.
    fileprivate func isLast(_ fields: HTTPFields) throws(Refusal) -> Bool? {
        let name: HTTPField.Name = usesIncomplete ? .uploadIncomplete : .uploadComplete
        guard let value = fields[name] else { return nil }
        guard let flag = StructuredField.boolean(value) else { throw .malformedField(name) }
        return flag != usesIncomplete
    }

    func fields(_ status: UploadStatus, _ limits: UploadLimits) -> HTTPFields {
        var fields: HTTPFields = [
            .uploadDraftInteropVersion: String(rawValue), .uploadOffset: String(status.offset),
            .cacheControl: "no-store",
        ]
        if usesIncomplete {
            fields[.uploadIncomplete] = status.isComplete ? "?0" : "?1"
        } else {
            fields[.uploadComplete] = status.isComplete ? "?1" : "?0"
        }
        if rawValue >= 6 { fields[.uploadLimit] = limits.field }
        if rawValue >= 6, let length = status.length { fields[.uploadLength] = String(length) }
        return fields
    }
}

extension UploadCreation {
    /// - Returns: nil for an ordinary upload.
    /// - Throws: ``Refusal`` for a field that is malformed, and for a part of an upload in a version that the server does not
    ///   speak: it must not be stored as the whole.
    init?(draft head: HTTPRequest) throws(Refusal) {
        let fields = head.headerFields
        guard fields[.uploadDraftInteropVersion] != nil else { return nil }
        guard let version = DraftVersion(fields) else {
            let isPart =
                fields[.uploadComplete].flatMap(StructuredField.boolean) == false
                || fields[.uploadIncomplete].flatMap(StructuredField.boolean) == true
            guard !isPart else {
                let versions = DraftVersion.allCases.map { String($0.rawValue) }.joined(separator: ", ")
                throw Refusal(
                    .malformed, "a part of an upload was sent in a version that this server does not speak: \(versions)"
                )
            }
            return nil
        }
        guard let isLast = try version.isLast(fields) else { return nil }
        self.init(dialect: .draft(version), length: try fields.uploadLength(), isLast: isLast)
    }
}

extension UnfinishedRequest {
    /// A request of the draft to the location of an upload. Without a version, the newest one applies.
    static func draft(_ head: HTTPRequest) throws(Refusal) -> (UnfinishedRequest, UploadDialect)? {
        let fields = head.headerFields
        let version = DraftVersion(fields) ?? .eight
        switch head.method {
        case .head: return (.status, .draft(version))
        case .delete: return (.cancel, .draft(version))
        case .patch:
            let type = fields[.contentType]?.prefix { $0 != ";" }.trimmingOptionalSpace().lowercased()
            guard version.rawValue < 6 || type == DraftVersion.mediaType else {
                throw Refusal(
                    .unsupported, "an upload goes on with a body of type \(DraftVersion.mediaType)",
                    fields: [.acceptPatch: DraftVersion.mediaType])
            }
            guard try fields.contentCoding() == nil else {
                throw Refusal(
                    .unsupported, "the parts of an upload have no content coding of their own: see its first request")
            }
            guard let offset = try fields.uploadOffset() else {
                throw Refusal(.malformed, "the field Upload-Offset is missing")
            }
            // A request of draft -01 without the field is the last one.
            guard let isLast = try version.isLast(fields) ?? (version == .three ? true : nil) else {
                throw Refusal(.malformed, "the field Upload-Complete is missing")
            }
            let append = UploadProgress.Append(
                offset: offset, isLast: isLast, length: try fields.uploadLength(), contentLength: fields.length)
            return (.append(append, checksum: nil), .draft(version))
        default: return nil
        }
    }
}

/// Items of structured fields (RFC 9651) without regard to parameters.
enum StructuredField {
    static func boolean(_ value: String) -> Bool? {
        switch item(value) {
        case "?1": true
        case "?0": false
        default: nil
        }
    }

    /// - Returns: nil unless the value is a number of at most 15 digits.
    static func integer(_ value: String) -> Int? {
        let text = item(value)
        let digits = text.first == "-" ? text.dropFirst() : text
        guard (1...15).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static func item(_ value: String) -> Substring { value.prefix { $0 != ";" }.trimmingOptionalSpace() }
}

extension HTTPFields {
    func uploadOffset() throws(Refusal) -> Int? { try count(.uploadOffset) }

    func uploadLength() throws(Refusal) -> Int? { try count(.uploadLength) }

    /// The `Content-Length`, which has been checked.
    var length: Int? { self[.contentLength].flatMap { Int($0) } }

    private func count(_ name: HTTPField.Name) throws(Refusal) -> Int? {
        guard let value = self[name] else { return nil }
        guard let count = StructuredField.integer(value), count >= 0 else { throw .malformedField(name) }
        return count
    }
}

extension Refusal {
    static func malformedField(_ name: HTTPField.Name) -> Refusal {
        Refusal(.malformed, "the field \(name.rawName) is malformed")
    }
}
