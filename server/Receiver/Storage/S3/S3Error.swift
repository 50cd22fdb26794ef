import HTTPStreaming

/// Why an object store has not done what it was asked for.
struct S3Error: Error, Hashable {
    /// Of the response; nil if there was none.
    let status: Int?
    /// The store's own, such as `NoSuchKey`; empty if there is none.
    let code: String
    let message: String

    /// - Parameter content: of the response.
    init(status: Int, content: [UInt8]) {
        let error = XMLElement(content)
        self.status = status
        code = error?["Code"] ?? ""
        message = error?["Message"] ?? ""
    }

    init(_ error: ClientError) {
        let code = error.code == .cancelled ? "cancelled" : error.code == .timedOut ? Self.stalled : ""
        // libcurl's own words name the host, which may be that of the bucket.
        (status, self.code, message) = (nil, code, error.code.description)
    }

    private static let stalled = "stalled"

    /// Nothing has happened for too long.
    var isStall: Bool { code == Self.stalled }

    static let withoutTag = S3Error(status: 500, content: Array("<E><Code>no ETag</Code></E>".utf8))

    static let damagedUpload = S3Error(status: 500, content: Array("<E><Code>damaged state</Code></E>".utf8))

    var isNotFound: Bool { status == 404 && code != "NoSuchBucket" && code != "NoSuchUpload" }

    /// The condition of a write does not hold, or another write was faster.
    var isConflict: Bool { status == 412 || status == 409 }

    /// Another attempt may succeed.
    var isTemporary: Bool { status.map { $0 >= 500 || $0 == 429 } ?? (code != "cancelled") }

    /// Whether the credentials may have expired: the answer to a HEAD request does not say why it is refused.
    var mayMeanExpiredCredentials: Bool {
        ["ExpiredToken", "InvalidToken", "InvalidAccessKeyId"].contains(code)
            || code.isEmpty && (status == 400 || status == 403)
    }

    /// For clients of the server: no names of buckets or keys.
    var storageError: StorageError {
        guard let status else {
            if code == "cancelled" { return .serverIsStopping }
            return StorageError(.noResources, "the object store cannot be reached: \(message)")
        }
        let reason = code.isEmpty ? "status \(status)" : code
        switch status {
        case 507: return StorageError(.noSpace, "the object store is full")
        case _ where ["QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"].contains(code):
            return StorageError(.noSpace, "the object store is full")
        case _ where code == "EntityTooLarge":
            return StorageError(.fileTooLarge, "the file is larger than the object store allows")
        case 412: return .conditionIsFalse
        case 409: return StorageError(.conflict, "another request has changed the file at the same time: send it again")
        case 401, 403:
            return StorageError(.failed, "the object store refuses the credentials of this server: \(reason)")
        case 429, 500...: return StorageError(.noResources, "the object store cannot answer now: \(reason)")
        default: return StorageError(.failed, "the object store refuses a request: \(reason)")
        }
    }
}
