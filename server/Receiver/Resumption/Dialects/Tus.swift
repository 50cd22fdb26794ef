import Crypto
import HTTPTypes
import NIOCore
import Platform

/// tus 1.0 (https://tus.io/protocols/resumable-upload).
enum Tus {
    static let version = "1.0.0"
    static let mediaType = "application/offset+octet-stream"
    static let extensions = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"

    static func fields(_ status: UploadStatus) -> HTTPFields {
        var fields: HTTPFields = [
            .tusResumable: version, .uploadOffset: String(status.offset), .cacheControl: "no-store",
        ]
        if let length = status.length {
            fields[.uploadLength] = String(length)
        } else {
            fields[.uploadDeferLength] = "1"
        }
        return fields
    }

    /// What the server supports: the answer to `OPTIONS`.
    static func capabilities(_ limits: UploadLimits) -> HTTPFields {
        var fields: HTTPFields = [
            .tusResumable: version, .tusVersion: version, .tusExtension: extensions,
            .tusChecksumAlgorithm: UploadChecksum.Algorithm.allCases.map(\.rawValue).joined(separator: ","),
        ]
        if let size = limits.size { fields[.tusMaxSize] = String(size) }
        return fields
    }

    /// The method of a request: clients behind proxies send `POST` and name the method in a field.
    static func method(_ head: HTTPRequest) -> HTTPRequest.Method {
        guard head.method == .post, let name = head.headerFields[.xHTTPMethodOverride] else { return head.method }
        return HTTPRequest.Method(name) ?? head.method
    }

    static func checkVersion(_ fields: HTTPFields) throws(Refusal) {
        guard fields[.tusResumable] != version else { return }
        throw Refusal(
            .preconditionFailed, "this server speaks tus \(version) here: see the field Tus-Resumable",
            fields: [.tusVersion: version, .tusResumable: version])
    }

    /// The values of `Upload-Metadata`.
    static func metadata(_ field: String?) throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        for pair in (field ?? "").split(separator: ",") {
            let words = pair.split(separator: " ")
            guard let key = words.first, words.count <= 2, values[String(key)] == nil,
                let bytes = Base64.decoded(words.count == 2 ? String(words[1]) : "")
            else { throw .malformedField(.uploadMetadata) }
            values[String(key)] = String(utf8OrLatin1: bytes)
        }
        return values
    }
}

extension UploadRequest {
    /// A creation of tus.
    init(tus head: HTTPRequest) throws(Refusal) {
        let metadata = try Tus.metadata(head.headerFields[.uploadMetadata])
        let name = metadata["filename"] ?? metadata["name"] ?? ""
        try self.init(
            content: .file(
                named: name.isEmpty ? "unnamed" : name, contentType: metadata["filetype"] ?? metadata["type"]))
    }
}

extension UploadCreation {
    init(tus head: HTTPRequest) throws(Refusal) {
        let fields = head.headerFields
        try Tus.checkVersion(fields)
        guard fields[.contentType] == Tus.mediaType || fields.length ?? 0 == 0 && fields[.transferEncoding] == nil
        else {
            throw Refusal(
                .unsupported, "the body of a creation has the type \(Tus.mediaType)",
                fields: [.tusResumable: Tus.version])
        }
        let length = try fields.uploadLength()
        guard length != nil || fields[.uploadDeferLength] == "1" else {
            throw Refusal(.malformed, "the field Upload-Length is missing")
        }
        self.init(dialect: .tus, length: length, isLast: nil)
    }
}

extension UnfinishedRequest {
    /// A request of tus to the location of an upload.
    static func tus(_ head: HTTPRequest) throws(Refusal) -> (UnfinishedRequest, UploadDialect)? {
        let fields = head.headerFields
        let method = Tus.method(head)
        guard [.head, .patch, .delete].contains(method) else { return nil }
        try Tus.checkVersion(fields)
        switch method {
        case .head: return (.status, .tus)
        case .delete: return (.cancel, .tus)
        default: break
        }
        guard fields[.contentType] == Tus.mediaType else {
            throw Refusal(
                .unsupported, "an upload goes on with a body of type \(Tus.mediaType)",
                fields: [.acceptPatch: Tus.mediaType, .tusResumable: Tus.version])
        }
        guard try fields.contentCoding() == nil else {
            throw Refusal(.unsupported, "the parts of an upload have no content coding")
        }
        guard let offset = try fields.uploadOffset() else {
            throw Refusal(.malformed, "the field Upload-Offset is missing")
        }
        let append = UploadProgress.Append(
            offset: offset, isLast: nil, length: try fields.uploadLength(), contentLength: fields.length)
        return (.append(append, checksum: try fields[.uploadChecksum].map(UploadChecksum.init)), .tus)
    }
}

/// The digest of the body of one request.
struct UploadChecksum: Hashable, Sendable {
    enum Algorithm: String, Hashable, Sendable, CaseIterable {
        case sha1, sha256, sha512
    }

    let algorithm: Algorithm
    let value: [UInt8]

    init(_ field: String) throws(Refusal) {
        let words = field.split(separator: " ")
        guard words.count == 2, let value = Base64.decoded(String(words[1])) else {
            throw .malformedField(.uploadChecksum)
        }
        guard let algorithm = Algorithm(rawValue: words[0].lowercased()) else {
            throw Refusal(.malformed, "the algorithm of the field Upload-Checksum is not supported")
        }
        (self.algorithm, self.value) = (algorithm, value)
    }

    /// The digest of the bytes that have been received.
    struct Running {
        private var hash: any HashFunction

        init(_ algorithm: Algorithm) {
            hash =
                switch algorithm {
                case .sha1: Insecure.SHA1()
                case .sha256: SHA256()
                case .sha512: SHA512()
                }
        }

        mutating func update(_ bytes: ByteBuffer) { bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }

        func matches(_ checksum: UploadChecksum) -> Bool { Array(hash.finalize()) == checksum.value }
    }
}
