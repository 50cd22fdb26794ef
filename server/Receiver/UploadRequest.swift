import ContentCoding
import HTTPTypes
import Multipart
import Platform

/// An upload as its head describes it.
struct UploadRequest: Hashable, Sendable {
    /// What the body is, once it is decoded.
    enum Content: Hashable, Sendable {
        /// `multipart/form-data`: files and fields.
        case form(Boundary)
        /// One file, as it is.
        case file(named: String, contentType: String?)
    }

    let content: Content
    /// Nil where the body is sent as it is.
    let coding: Coding?
    /// Of a file; a form is sent to what has no state.
    let preconditions: Preconditions?
    /// Whether to tell the SHA-256 of each part.
    let wantsDigest: Bool

    /// The `POST` of a form.
    ///
    /// - Throws: ``Refusal`` when the body is not worth reading.
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
        wantsDigest = Self.wantsDigest(head)
    }

    /// The `PUT` of a file.
    ///
    /// - Parameter name: what the path says. The field `x-filename`, which was written for this
    ///   purpose alone, wins.
    /// - Throws: ``Refusal`` when the body is not worth reading.
    init(file head: HTTPRequest, named name: String?) throws(Refusal) {
        let field = head.headerFields[named: "X-Filename"]?.percentDecoded ?? ""
        let name = field.isEmpty ? name ?? "" : field
        guard !name.isEmpty else {
            throw Refusal(.malformed, "the file has no name: PUT it to /{name}, or add the header field x-filename")
        }
        // RFC 9110 §14.5: to store a part for the whole is what must not happen.
        guard head.headerFields[.contentRange] == nil else {
            throw Refusal(.malformed, "a part of a file cannot be put: Content-Range is not supported")
        }
        coding = try head.headerFields.contentCoding()
        content = .file(named: name, contentType: head.headerFields[.contentType])
        let preconditions = Preconditions(head.headerFields, now: .now)
        self.preconditions = preconditions.isEmpty ? nil : preconditions
        wantsDigest = Self.wantsDigest(head)
    }

    private static func wantsDigest(_ head: HTTPRequest) -> Bool {
        head.headerFields[named: "Want-Repr-Digest"].map(WantedDigest.includesSHA256) ?? false
    }
}
