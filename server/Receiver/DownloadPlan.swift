import ContentCoding
import HTTPTypes
import Hummingbird
import Platform

/// The answer to a request for a file, before anything of the file has been read.
struct DownloadPlan: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        /// Bytes of the file, as they are.
        case bytes(Range<Int>)
        /// All of the file.
        case coded(Coding)
    }

    /// What all answers say that depend on `Accept-Encoding`, errors too (RFC 9110 §12.5.5).
    static let varying: HTTPFields = [.vary: "Accept-Encoding"]

    let tag: EntityTag
    private(set) var status = HTTPResponse.Status.ok
    private(set) var fields = varying
    /// What GET is sent; nil where nothing is.
    private(set) var content: Content?

    /// All of a file.
    init(file: StoredFile, _ representation: Representation, modified: Timestamp) {
        switch representation {
        case .identity:
            tag = EntityTag(file.version)
            content = .bytes(0..<file.size)
            fields[.contentLength] = String(file.size)
        case .coded(let coding):
            // Another one than the file's own (§8.8.3.3), and weak: another version of zlib may write
            // other bytes.
            tag = EntityTag("\(file.version)-\(coding.token)", isWeak: true)
            content = .coded(coding)
            fields[.contentEncoding] = coding.token
        }
        fields[.eTag] = tag.description
        fields[.lastModified] = modified.httpDate
        fields[.acceptRanges] = "bytes"
        fields[.contentType] = Self.contentType(of: file.name)
        // The type is a guess at what a stranger has uploaded; a browser's would be a worse one.
        fields[.xContentTypeOptions] = "nosniff"
        // What a stranger has uploaded runs no script that could read other files from this origin.
        fields[.contentSecurityPolicy] = "sandbox"
    }

    /// 206 (RFC 9110 §15.3.7).
    mutating func becomePartial(_ range: Range<Int>, of size: Int) {
        status = .partialContent
        content = .bytes(range)
        fields[.contentLength] = String(range.count)
        fields[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    }

    /// 304: with the fields that update what the client has kept (RFC 9110 §15.4.5).
    mutating func becomeNotModified() {
        status = .notModified
        content = nil
        for name: HTTPField.Name in [
            .contentLength, .transferEncoding, .contentEncoding, .contentType, .xContentTypeOptions,
            .contentSecurityPolicy,
            .acceptRanges,
        ] {
            fields[name] = nil
        }
    }

    private static func contentType(of name: String) -> String {
        let type = name.lastIndex(of: ".").flatMap { dot in
            MediaType.getMediaType(forExtension: String(name[name.index(after: dot)...]))
        }
        return type?.description ?? "application/octet-stream"
    }
}
