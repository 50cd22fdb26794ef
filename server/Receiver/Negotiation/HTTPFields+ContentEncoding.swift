import ContentCoding
import HTTPTypes

extension HTTPFields {
    /// The content coding of a request's body, as its `Content-Encoding` says (RFC 9110 §8.4): the
    /// members of all its lines, of which `identity` says nothing. Nil where there is none.
    ///
    /// - Throws: 415 for what is not decoded here: another coding, or one over another.
    func contentCoding() throws(Refusal) -> Coding? {
        let tokens = (self[.contentEncoding] ?? "").split(separator: ",").map { $0.trimmingOptionalSpace() }
            .filter { !$0.isEmpty && $0.lowercased() != "identity" }
        guard let token = tokens.first else { return nil }
        guard tokens.count == 1, let coding = Coding(token: token) else {
            // RFC 9110 §12.5.3: which codings would have been taken.
            let taken = Coding.allCases.map(\.token).joined(separator: ", ")
            throw Refusal(
                .unsupported, "the content coding is not supported; send the body as it is, or as one of \(taken)",
                fields: [.acceptEncoding: taken]
            )
        }
        return coding
    }
}
