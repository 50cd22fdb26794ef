internal import Platform

/// Translates between ``ResumableUpload`` and header fields: those of draft-ietf-httpbis-resumable-upload
/// (<https://datatracker.ietf.org/doc/draft-ietf-httpbis-resumable-upload/>), and those of tus 1.0
/// (<https://tus.io/protocols/resumable-upload>).
enum UploadDialect: Hashable, Sendable {
    /// With the interop version: 8 for the drafts -09 and later, 7 for -06 to -08, 6 for -04 and -05.
    case draft(version: Int)
    case tus

    /// The interop versions of the draft, which differ in nothing that this client uses.
    private static let versions = [8, 7, 6]

    static let latest = UploadDialect.draft(version: 8)

    /// As in a journal; nil for an unknown number.
    init?(number: Int) {
        if number == 1 {
            self = .tus
        } else {
            guard Self.versions.contains(number) else { return nil }
            self = .draft(version: number)
        }
    }

    /// As in a journal: the interop version of the draft, or 1 for tus.
    var number: Int {
        switch self {
        case .draft(let version): version
        case .tus: 1
        }
    }

    // MARK: Requests

    /// The fields of the request that creates an upload.
    ///
    /// - Parameters:
    ///   - length: of the body; nil if it is not known.
    ///   - hasBody: whether this request has it.
    func creationFields(length: Int64?, hasBody: Bool) -> HeaderFields {
        var fields = commonFields
        if self != .tus { fields["Upload-Complete"] = hasBody ? "?1" : "?0" }
        if let length { fields["Upload-Length"] = "\(length)" }
        return fields
    }

    /// The metadata of the upload, in a field of the request that creates it: the name of the file and its media type.
    func metadataField(filename: Path?, contentType: String?) -> HeaderFields {
        guard self == .tus else { return [:] }
        let values = [("filename", filename?.bytes), ("filetype", contentType.map { Array($0.utf8) })]
        let pairs = values.compactMap { name, bytes in bytes.map { "\(name) \(Base64.encoded($0))" } }
        return pairs.isEmpty ? [:] : ["Upload-Metadata": pairs.joined(separator: ",")]
    }

    /// The fields of the `HEAD` request for the offset, and of the `DELETE` request.
    var questionFields: HeaderFields { commonFields }

    /// The fields of the `PATCH` request with the body from an offset on.
    func appendFields(offset: Int64) -> HeaderFields {
        var fields = commonFields
        if self != .tus { fields["Upload-Complete"] = "?1" }
        fields["Upload-Offset"] = "\(offset)"
        return fields
    }

    /// The media type of that request's body.
    var appendType: String { self == .tus ? "application/offset+octet-stream" : "application/partial-upload" }

    private var commonFields: HeaderFields {
        switch self {
        case .draft(let version): ["Upload-Draft-Interop-Version": "\(version)"]
        case .tus: ["Tus-Resumable": "1.0.0"]
        }
    }

    // MARK: Responses

    /// The dialect that a server asks for which refuses this one; nil if it asks for none, or for an unknown one.
    func replacement(status: Int, _ fields: HeaderFields) -> UploadDialect? {
        guard case .draft(let version) = self, status == 400,
            let asked = fields["Upload-Draft-Interop-Version"].flatMap(Self.integer), asked < version,
            Self.versions.contains(Int(asked))
        else { return nil }
        return .draft(version: Int(asked))
    }

    /// - Parameter length: of the body; nil if it is not known.
    func answer(status: Int, _ fields: HeaderFields, length: Int64?) -> UploadAnswer {
        let offset = offset(in: fields)
        let isComplete =
            switch self {
            case .draft: fields["Upload-Complete"].flatMap(Self.boolean)
            case .tus: (200...299).contains(status) ? offset.map { $0 == length } : nil
            }
        return UploadAnswer(
            status: status, offset: offset, isComplete: isComplete,
            retryAfter: fields["Retry-After"].flatMap { Client.Retry.duration(retryAfter: $0) })
    }

    /// How many bytes the server has, if a response says that.
    func offset(in fields: HeaderFields) -> Int64? { fields["Upload-Offset"].flatMap(Self.integer) }

    /// An Integer of Structured Fields (RFC 9651 §3.3.1) that is not negative; nil for anything else, with which the field
    /// must be ignored.
    static func integer(_ value: String) -> Int64? {
        let digits = item(value)
        guard (1...15).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(digits)
    }

    /// A Boolean of Structured Fields (RFC 9651 §3.3.6); nil for anything else.
    static func boolean(_ value: String) -> Bool? {
        switch item(value) {
        case "?1": true
        case "?0": false
        default: nil
        }
    }

    /// An Item without its parameters (RFC 9651 §3.1.2).
    private static func item(_ value: String) -> Substring { value.prefix { $0 != ";" } }
}
