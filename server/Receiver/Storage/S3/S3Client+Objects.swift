import HTTPStreaming
import NIOCore
import Platform

/// A part that the store has.
struct S3Part: Hashable, Sendable, Codable {
    let number: Int
    let tag: String
    /// The base64 SHA-256 of its content.
    let checksum: String
    let size: Int
}

/// When an object may be written.
enum S3WriteCondition: Hashable, Sendable, Codable {
    case always
    /// Likewise; an object had the key when the request began.
    case replacing
    /// No object has the key.
    case isNew
    /// The object with this tag has the key.
    case matches(tag: String)

    fileprivate var fields: [(name: String, value: String)] {
        switch self {
        case .always, .replacing: []
        case .isNew: [("if-none-match", "*")]
        // Ceph compares the whole value with the tag: without quotation marks, which other stores allow too.
        case .matches(let tag): [("if-match", tag)]
        }
    }
}

// The operations of <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>.
extension S3Client {
    /// What the store tells of an object.
    struct ObjectHead: Hashable, Sendable {
        let size: Int
        let modified: Int
        /// Without quotation marks.
        let tag: String
        let contentType: String?
        /// See ``S3Client/put(_:_:_:_:)``.
        let identifier: String?

        fileprivate init(_ fields: HeaderFields, size: Int) {
            self.size = size
            modified = fields["last-modified"].flatMap { Timestamp(httpDate: $0, now: .now) }?.seconds ?? 0
            tag = S3Client.tag(fields["etag"] ?? "")
            contentType = fields["content-type"]
            identifier = fields[S3Client.identifierField]
        }
    }

    /// - Returns: nil if there is no such object.
    func head(_ key: String) async throws(S3Error) -> ObjectHead? {
        do throws(S3Error) {
            let fields = try await send(Request(.head, key)).fields
            return ObjectHead(fields, size: fields["content-length"].flatMap { Int($0) } ?? 0)
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }

    /// What an object has besides its content.
    struct ObjectFields: Hashable, Sendable, Codable {
        let contentType: String?
        /// Tells this object from others of the same name.
        let identifier: String

        init(contentType: String?) {
            let isValid = contentType.map { $0.utf8.count < 256 && $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
            self.contentType = isValid == true ? contentType : nil
            identifier = UnnamedFile.randomName(prefix: "")
        }

        fileprivate var fields: [(name: String, value: String)] {
            let identifier = (S3Client.identifierField, identifier)
            return contentType.map { [("content-type", $0), identifier] } ?? [identifier]
        }
    }

    private static let identifierField = "x-amz-meta-upload"

    /// - Returns: the tag.
    func put(
        _ key: String, _ content: PartContent, _ fields: ObjectFields?, _ condition: S3WriteCondition
    ) async throws(S3Error) -> String {
        var request = Request(.put, key)
        content.set(in: &request)
        request.fields += (fields?.fields ?? []) + condition.fields
        return Self.tag(try await send(request).fields["etag"] ?? "")
    }

    /// Reads a small object.
    ///
    /// - Returns: nil if there is no such object.
    func get(_ key: String) async throws(S3Error) -> (content: [UInt8], tag: String)? {
        do throws(S3Error) {
            let (fields, content) = try await send(Request(.get, key))
            return (content, Self.tag(fields["etag"] ?? ""))
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }

    func delete(_ key: String) async throws(S3Error) { _ = try await send(Request(.delete, key)) }

    /// Begins a multipart upload.
    ///
    /// - Returns: its identifier.
    func createUpload(_ key: String, _ fields: ObjectFields) async throws(S3Error) -> String {
        var request = Request(.post, key, [("uploads", "")])
        request.fields = fields.fields + [("x-amz-checksum-algorithm", "SHA256")]
        return try await Self.element(send(request).content, "UploadId")
    }

    func uploadPart(
        _ number: Int, _ content: PartContent, of upload: String, _ key: String
    ) async throws(S3Error) -> S3Part {
        var request = Request(.put, key, [("partNumber", "\(number)"), ("uploadId", upload)])
        content.set(in: &request)
        let tag = try await send(request).fields["etag"] ?? ""
        return S3Part(number: number, tag: Self.tag(tag), checksum: content.checksum, size: content.size)
    }

    /// Makes the parts an object.
    ///
    /// - Returns: its tag; empty if the store does not tell it, as Ceph 16.
    func completeUpload(
        _ upload: String, _ key: String, _ parts: [S3Part], _ condition: S3WriteCondition
    ) async throws(S3Error) -> String {
        var request = Request(.post, key, [("uploadId", upload)])
        request.fields = condition.fields
        var document = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for part in parts {
            document += """
                <Part><PartNumber>\(part.number)</PartNumber><ETag>&quot;\(part.tag)&quot;</ETag>\
                <ChecksumSHA256>\(part.checksum)</ChecksumSHA256></Part>
                """
        }
        request.setContent(Array((document + "</CompleteMultipartUpload>").utf8))
        request.isLong = true
        var delay = patience / 20
        while true {
            let content = try await send(request).content
            if let answer = XMLElement(content), answer.name != "Error" { return Self.tag(answer["ETag"] ?? "") }
            // The store may find an error after it has sent the status 200, as if it were one of 500 or 503.
            let error = S3Error(status: 500, content: content)
            let isTemporary = ["InternalError", "SlowDown", "ServiceUnavailable"].contains(error.code)
            guard isTemporary, delay < patience / 2, (try? await Task.sleep(for: delay)) != nil else { throw error }
            delay *= 2
        }
    }

    func abortUpload(_ upload: String, _ key: String) async throws(S3Error) {
        do throws(S3Error) {
            _ = try await send(Request(.delete, key, [("uploadId", upload)]))
        } catch {
            guard error.status == 404 else { throw error }
        }
    }

    static func element(_ document: [UInt8], _ name: String) throws(S3Error) -> String {
        guard let text = XMLElement(document)?[name], !text.isEmpty else {
            throw S3Error(status: 500, content: Array("<Error><Code>no \(name) in the response</Code></Error>".utf8))
        }
        return text
    }

    /// Without quotation marks.
    static func tag(_ field: String) -> String { field.filter { $0 != "\"" } }
}
