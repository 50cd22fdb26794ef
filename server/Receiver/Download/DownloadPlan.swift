import ContentCoding
import HTTPTypes
import Hummingbird
import Platform

/// The response to a request for a file, decided before the file is read.
struct DownloadPlan: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        /// Bytes of the file, not coded.
        case bytes(Range<Int>)
        /// The whole file.
        case coded(Coding)
    }

    let tag: EntityTag
    private(set) var status = HTTPResponse.Status.ok
    private(set) var fields: HTTPFields
    /// What GET sends; nil for nothing.
    private(set) var content: Content?

    /// The response with the whole file.
    init(file: StoredFile, _ representation: Representation, modified: Timestamp) {
        fields = representation.fields
        switch representation {
        case .identity:
            tag = EntityTag(file.version)
            content = .bytes(0..<file.size)
            fields[.contentLength] = String(file.size)
        case .coded(let coding):
            // Differs from the tag of the uncoded file (§8.8.3.3), and is weak: another version of zlib may write other
            // bytes.
            tag = EntityTag("\(file.version)-\(coding.token)", isWeak: true)
            content = .coded(coding)
        }
        fields[.eTag] = tag.description
        fields[.lastModified] = modified.httpDate
        fields[.acceptRanges] = "bytes"
        fields[.contentType] = file.contentType ?? Self.contentType(of: file.name)
        // Scripts in an uploaded file must not run: they could read other files of this origin.
        fields[.contentSecurityPolicy] = "sandbox"
    }

    /// 206 (RFC 9110 §15.3.7).
    mutating func becomePartial(_ range: Range<Int>, of size: Int) {
        status = .partialContent
        content = .bytes(range)
        fields[.contentLength] = String(range.count)
        fields[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    }

    /// 304, with the fields that update the client's cache (RFC 9110 §15.4.5).
    mutating func becomeNotModified() {
        status = .notModified
        content = nil
        let ofContent: [HTTPField.Name] = [
            .contentLength, .contentEncoding, .contentType, .contentSecurityPolicy, .acceptRanges,
        ]
        for name in ofContent { fields[name] = nil }
    }

    private static func contentType(of name: String) -> String {
        let type = name.lastIndex(of: ".").flatMap { dot in
            MediaType.getMediaType(forExtension: String(name[name.index(after: dot)...]))
        }
        return type?.description ?? "application/octet-stream"
    }
}
