import ContentCoding
import HTTPTypes

extension HTTPField.Name {
    /// Present in an HTTP/1.1 request whose authority is invalid, and in HTTP/2 requests that have the field.
    static let host = HTTPField.Name("Host")!
    static let contentDigest = HTTPField.Name("Content-Digest")!
    /// RFC 8288
    static let link = HTTPField.Name("Link")!
    static let reprDigest = HTTPField.Name("Repr-Digest")!
    static let wantReprDigest = HTTPField.Name("Want-Repr-Digest")!
    static let xFilename = HTTPField.Name("X-Filename")!
}

extension HTTPFields {
    /// The content coding in `Content-Encoding` (RFC 9110 §8.4), of all lines of the field and without `identity`. Nil if
    /// there is none.
    ///
    /// - Throws: 415 for an unknown coding, and for more than one.
    func contentCoding() throws(Refusal) -> Coding? {
        let tokens = (self[.contentEncoding] ?? "").split(separator: ",").map { $0.trimmingOptionalSpace() }
            .filter { !$0.isEmpty && $0.lowercased() != "identity" }
        guard let token = tokens.first else { return nil }
        guard tokens.count == 1, let coding = Coding(token: token) else {
            // RFC 9110 §12.5.3: the response says which codings are accepted.
            let accepted = Coding.allCases.map(\.token).joined(separator: ", ")
            throw Refusal(
                .unsupported,
                "the content coding is not supported; send the body without one, or with one of \(accepted)",
                fields: [.acceptEncoding: accepted]
            )
        }
        return coding
    }
}

extension Substring {
    /// Without spaces and tabs at both ends (`OWS`, RFC 9110 §5.6.3).
    func trimmingOptionalSpace() -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return "" }
        return start[...last]
    }
}
