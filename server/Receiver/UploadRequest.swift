import HTTPTypes
import Multipart

/// An upload as its head describes it: judged, before anything of the body has been read.
///
/// One function judges: what answers `Expect: 100-continue` on the connection and what receives
/// the body cannot disagree.
struct UploadRequest: Hashable, Sendable {
    let boundary: Boundary
    /// Whether to tell the SHA-256 of each part.
    let wantsDigest: Bool

    /// - Throws: ``Refusal`` when the body is not worth reading.
    init(judging head: HTTPRequest) throws(Refusal) {
        guard let path = head.path?.prefix(while: { $0 != "?" }),
            path == "/" || path == "/upload" || path.hasPrefix("/upload/")
        else {
            throw Refusal(.notFound, "nothing is here: POST multipart/form-data to / or to any path under /upload")
        }
        guard head.method == .post else {
            throw Refusal(.methodNotAllowed, "only POST is allowed here", fields: [.allow: "POST"])
        }
        if let coding = head.headerFields[.contentEncoding], !coding.isEmpty, coding.lowercased() != "identity" {
            // RFC 9110 §12.5.3: which codings would have been taken.
            throw Refusal(
                .unsupported, "the content coding is not supported; send the body as it is",
                fields: [.acceptEncoding: "identity"]
            )
        }
        do {
            boundary = try Boundary(contentType: head.headerFields[.contentType] ?? "")
        } catch {
            guard error.code == .notMultipart else { throw Refusal(error) }
            throw Refusal(
                .unsupported, "expected a body of type multipart/form-data; boundary=...",
                fields: [.accept: "multipart/form-data"]
            )
        }
        let wanted = HTTPField.Name("Want-Repr-Digest").flatMap { head.headerFields[$0] }
        wantsDigest = wanted.map(WantedDigest.includesSHA256) ?? false
    }
}
