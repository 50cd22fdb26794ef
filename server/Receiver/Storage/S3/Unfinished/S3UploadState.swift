import Foundation

/// Bytes of an unfinished upload that are an object of their own: those of a part that is not complete, or a piece of a coded
/// body.
struct S3Tail: Hashable, Sendable, Codable {
    let key: String
    let size: Int
    let tag: String
}

/// What the store keeps of an unfinished upload besides its parts.
struct S3UploadState: Sendable, Codable {
    struct File: Sendable, Codable {
        let key: String
        let fields: S3Client.ObjectFields
        /// The identifier of its multipart upload; nil if it waits to be sent at once.
        let upload: String?
        let parts: [S3Part]
    }

    /// See ``ResumableStorage/create(_:request:)``.
    let request: Data
    var files: [File] = []
    /// Of the first file.
    var condition = S3WriteCondition.isNew
    /// The pieces of a coded body; nil without a coding.
    var pieces: [S3Part]?
    /// The bytes after the parts of the last file, or after the pieces.
    var tail: S3Tail?
    /// The segments of the body, as one entry: see ``BodyRecord``.
    var record = Data(BodyRecord.entry([]))
    /// Whether files are becoming visible.
    var isPublishing = false
    /// Makes each state differ from all others, so that its tag does.
    var revision = UUID()

    init(request: [UInt8]) { self.request = Data(request) }

    /// - Returns: nil if the record is damaged.
    var segments: [BodySegment]? {
        try? BodyRecord.next(in: Array(record)[...], isLast: true)?.segments
    }
}

extension [BodySegment] {
    /// Adds those of a checkpoint.
    mutating func addRecord(_ segments: [BodySegment]) {
        // These bytes are in the new segments, as are the digests of the whole.
        removeAll { if case .undecided = $0 { true } else { false } }
        if segments.contains(where: \.isDigests) { removeAll(where: \.isDigests) }
        for segment in segments {
            switch (last, segment) {
            case (.content(let file, let before), .content(let next, let count)) where file == next:
                self[self.count - 1] = .content(file: file, count: before + count)
            case (.coded(let before), .coded(let count)):
                self[self.count - 1] = .coded(count: before + count)
            default:
                append(segment)
            }
        }
    }
}

extension BodySegment {
    fileprivate var isDigests: Bool { if case .digests = self { true } else { false } }
}
