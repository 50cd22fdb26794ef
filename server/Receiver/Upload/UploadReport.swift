import HTTPTypes
import Platform

/// The response to an upload.
struct UploadReport: Hashable, Sendable {
    /// In the order of the message.
    let parts: [ReceivedPart]
    /// The sum of the parts' sizes.
    let bytes: Int
    /// The first file; nil if none is stored.
    let file: PublishedFile?
    /// What became of the digests of the body.
    let checked: CheckedDigests

    init(parts: [ReceivedPart], file: PublishedFile? = nil, checked: CheckedDigests = CheckedDigests()) {
        self.parts = parts
        self.file = file
        self.checked = checked
        bytes = parts.reduce(0) { $0 + $1.size }
    }

    /// One line, with its end.
    var json: String { JSON.text(self) + "\n" }

    /// 200 if a `PUT` has replaced a file (RFC 9110 §9.3.4).
    var status: HTTPResponse.Status { file?.isReplacement == true ? .ok : .created }

    /// Where a file is that was sent as the body (RFC 9110 §9.3.4), and its validator.
    func fields(for upload: UploadRequest) -> HTTPFields {
        guard case .file = upload.content, let file else { return [:] }
        var fields: HTTPFields = [.location: Resource.path(ofFile: file.name)]
        // §9.3.4: only if the content is stored as it was sent.
        if upload.coding == nil { fields[.eTag] = EntityTag(file.version).description }
        return fields
    }
}

extension UploadReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case parts, bytes
        case verifiedDigests = "verified_digests"
        case ignoredDigests = "ignored_digests"
    }

    func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(parts, forKey: .parts)
        try members.encode(bytes, forKey: .bytes)
        if !checked.verified.isEmpty { try members.encode(checked.verified, forKey: .verifiedDigests) }
        if !checked.ignored.isEmpty { try members.encode(checked.ignored, forKey: .ignoredDigests) }
    }
}
