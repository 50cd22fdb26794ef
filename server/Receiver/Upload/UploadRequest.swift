import ContentCoding
import HTTPTypes
import Multipart
import Platform

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
    /// Whether the file replaces one of the same name.
    let replaces: Bool
    let digests: UploadDigests

    /// A file whose head is not that of an HTTP request for one.
    init(content: Content) throws(Refusal) {
        self.content = content
        (coding, preconditions, replaces) = (nil, nil, false)
        digests = try UploadDigests([:])
    }

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
        replaces = false
        digests = try UploadDigests(head.headerFields)
    }

    /// The `PUT` of a file.
    ///
    /// - Parameters:
    ///   - name: from the path. The field `x-filename`, which has no other purpose, overrides it.
    ///   - replaces: whether the file replaces the one that the path names. With `x-filename` the path does not name it.
    /// - Throws: ``Refusal`` if the body need not be read.
    init(file head: HTTPRequest, named name: String?, replaces: Bool = false) throws(Refusal) {
        try Route.checkText(head.headerFields[.xFilename], "field x-filename")
        try Route.checkText(head.headerFields[.contentType], "field Content-Type")
        let field = head.headerFields[.xFilename]?.percentDecoded ?? ""
        self.replaces = replaces && field.isEmpty
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
        digests = try UploadDigests(head.headerFields)
    }
}

/// What the header of an upload says about digests (RFC 9530).
struct UploadDigests: Hashable, Sendable {
    /// Those of the body that stand in the header.
    let expected: ExpectedDigests
    /// The algorithm of the digest that the response includes for each part; nil for none.
    let wanted: DigestAlgorithm?
    private let isTrailerAnnounced: Bool

    init(_ fields: HTTPFields) throws(Refusal) {
        expected = try ExpectedDigests(fields)
        wanted = DigestField.wanted(fields[.wantReprDigest])
        let announced = (fields[.trailer] ?? "").split(separator: ",").map { $0.trimmingOptionalSpace().lowercased() }
        isTrailerAnnounced = announced.contains(where: ExpectedDigests.fields.contains)
    }

    /// Which digests of the body to compute. If one follows as a trailer, its algorithm is not known.
    var ofBody: Set<DigestAlgorithm> { isTrailerAnnounced ? Set(DigestAlgorithm.allCases) : expected.algorithms }
}
