import ContentCoding
import HTTPTypes
import Multipart
import Platform
import StructuredFieldValues

/// An upload as its head describes it.
struct UploadRequest: Hashable, Sendable {
    /// The body after decoding.
    enum Content: Hashable, Sendable {
        /// `multipart/form-data`: files and fields.
        case form(Boundary)
        /// The content of one file.
        case file(named: String, contentType: String?)
    }

    let content: Content
    /// Nil if the body is not coded.
    let coding: Coding?
    /// Of a file; nil if the request has none. A form is posted to a resource without state.
    let preconditions: Preconditions?
    /// Whether the response includes the SHA-256 of each part.
    let wantsDigest: Bool

    /// The `POST` of a form.
    ///
    /// - Throws: ``Refusal`` if the body need not be read.
    init(form head: HTTPRequest) throws(Refusal) {
        coding = try head.headerFields.contentCoding()
        do {
            content = .form(try Boundary(contentType: head.headerFields[.contentType] ?? ""))
        } catch {
            guard error.code == .notMultipart else { throw Refusal(error) }
            throw Refusal(
                .unsupported, "expected a body of type multipart/form-data; boundary=...",
                fields: [.accept: "multipart/form-data"]
            )
        }
        preconditions = nil
        wantsDigest = WantedDigest.includesSHA256(head.headerFields[.wantReprDigest])
    }

    /// The `PUT` of a file.
    ///
    /// - Parameter name: from the path. The field `x-filename`, which has no other purpose, overrides it.
    /// - Throws: ``Refusal`` if the body need not be read.
    init(file head: HTTPRequest, named name: String?) throws(Refusal) {
        try Route.checkText(head.headerFields[.xFilename], "field x-filename")
        try Route.checkText(head.headerFields[.contentType], "field Content-Type")
        let field = head.headerFields[.xFilename]?.percentDecoded ?? ""
        let name = field.isEmpty ? name ?? "" : field
        guard !name.isEmpty else {
            throw Refusal(.malformed, "the file has no name: PUT it to /{name}, or add the header field x-filename")
        }
        // RFC 9110 §14.5: a part must not be stored as the whole file.
        guard head.headerFields[.contentRange] == nil else {
            throw Refusal(.malformed, "a part of a file cannot be put: Content-Range is not supported")
        }
        // The file would begin and end with a delimiter. Other types are files: multipart/related is a saved web page.
        let type = head.headerFields[.contentType]?.prefix { $0 != ";" }.trimmingOptionalSpace().lowercased()
        guard type != "multipart/form-data" else {
            throw Refusal(
                .unsupported,
                "a form is not a file: POST it to / or to any path under /upload, or send the file itself as the body")
        }
        coding = try head.headerFields.contentCoding()
        content = .file(named: name, contentType: head.headerFields[.contentType])
        let preconditions = Preconditions(head.headerFields, now: .now)
        self.preconditions = preconditions.isEmpty ? nil : preconditions
        wantsDigest = WantedDigest.includesSHA256(head.headerFields[.wantReprDigest])
    }
}

/// The value of a `Want-Repr-Digest` field (RFC 9530 §4): a dictionary of algorithms with weights from 0 (not
/// acceptable) to 10.
struct WantedDigest: StructuredFieldValue {
    static let structuredFieldType = StructuredFieldType.dictionary

    private let sha256: Int?

    private enum CodingKeys: String, CodingKey {
        case sha256 = "sha-256"
    }

    /// Whether the field asks for SHA-256. An invalid field asks for nothing.
    ///
    /// - Parameter field: nil if the request has none.
    static func includesSHA256(_ field: String?) -> Bool {
        guard let field else { return false }
        let value = try? StructuredFieldValueDecoder().decode(WantedDigest.self, from: Array(field.utf8))
        return (1...10).contains(value?.sha256 ?? 0)
    }
}
