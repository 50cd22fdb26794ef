import HTTPTypes

/// The protocols for uploads that can be interrupted. They have the same meaning in different header fields.
enum UploadDialect: Hashable, Sendable {
    /// draft-ietf-httpbis-resumable-upload.
    case draft(DraftVersion)
    /// tus 1.0 (https://tus.io/protocols/resumable-upload).
    case tus
}

/// The request that begins an upload.
struct UploadCreation: Hashable, Sendable {
    let dialect: UploadDialect
    /// Of the whole upload; nil if it is not known.
    let length: Int?
    /// See ``UploadProgress/Append/isLast``.
    let isLast: Bool?
}

/// A request to the location of an upload.
enum UnfinishedRequest: Hashable, Sendable {
    /// Tell how much has been received.
    case status
    /// Go on.
    case append(UploadProgress.Append, checksum: UploadChecksum?)
    /// Remove the upload.
    case cancel

    /// Whether the server reads the body.
    var readsBody: Bool {
        switch self {
        case .append: true
        case .status, .cancel: false
        }
    }
}

/// What a response tells of an upload.
struct UploadStatus: Hashable, Sendable {
    let offset: Int
    /// Nil if it is not known.
    let length: Int?
    /// Whether the files are stored.
    let isComplete: Bool
}

/// What all uploads are limited to.
struct UploadLimits: Hashable, Sendable {
    /// In bytes; nil for no limit.
    let size: Int?
    /// How long an upload that does not go on is kept, in seconds.
    let age: Int

    /// The value of `Upload-Limit`.
    var field: String {
        ([size.map { "max-size=\($0)" }].compactMap(\.self) + ["max-age=\(age)"]).joined(separator: ", ")
    }
}

extension UploadDialect {
    /// Where an upload is, relative to the URL of the request that begins it.
    func location(of id: UploadID) -> String {
        switch self {
        case .draft: "/\(Resource.unfinishedFolder)/\(id)"
        // Some clients append it to that URL.
        case .tus: id.description
        }
    }

    /// The fields that tell how much has been received.
    func fields(_ status: UploadStatus, _ limits: UploadLimits) -> HTTPFields {
        switch self {
        case .draft(let version): version.fields(status, limits)
        case .tus: Tus.fields(status)
        }
    }

    /// The refusal for a request that does not fit the upload.
    func refusal(for problem: UploadProgress.Problem, _ status: UploadStatus, _ limits: UploadLimits) -> Refusal {
        let fields = fields(status, limits)
        switch problem {
        case .completed:
            return Refusal(
                .malformed, "the upload is complete", fields: fields,
                problem: ProblemDetails(type: "completed-upload", title: "The upload is complete"))
        case .offset(let expected, let provided):
            return Refusal(
                .conflict, "the next byte of the upload is at offset \(expected), not \(provided)", fields: fields,
                problem: ProblemDetails(
                    type: "mismatching-upload-offset", title: "The offset does not match",
                    members: ["expected-offset": expected, "provided-offset": provided]))
        case .length:
            return Refusal(
                .malformed, "the request does not fit the length of the upload", fields: fields,
                problem: ProblemDetails(type: "inconsistent-upload-length", title: "The length is inconsistent"))
        }
    }
}
