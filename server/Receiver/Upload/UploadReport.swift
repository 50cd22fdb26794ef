import HTTPTypes
import Platform

/// The response to an upload.
struct UploadReport: Hashable, Sendable, Encodable {
    /// In the order of the message.
    let parts: [ReceivedPart]
    /// The sum of the parts' sizes.
    let bytes: Int

    init(parts: [ReceivedPart]) {
        self.parts = parts
        bytes = parts.reduce(0) { $0 + $1.size }
    }

    /// One line, with its end.
    var json: String { JSON.text(self) + "\n" }

    /// The location of a file that was created by `PUT` (RFC 9110 §9.3.4).
    func fields(for upload: UploadRequest) -> HTTPFields {
        // A hidden file has no URL.
        guard case .file = upload.content, let name = parts.first?.savedAs, FileName.isPublic(name) else { return [:] }
        return [.location: "/files/" + name.percentEncoded]
    }
}
