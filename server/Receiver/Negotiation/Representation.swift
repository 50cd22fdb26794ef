import ContentCoding
import HTTPTypes

/// In which form content is sent.
enum Representation: Hashable, Sendable {
    case identity
    case coded(Coding)

    /// What a client prefers, of content that is made for it, and coded whenever that is wanted.
    ///
    /// - Throws: 406 where it takes no form.
    static func accepted(by head: HTTPRequest) throws(Refusal) -> Representation {
        guard let field = head.headerFields[.acceptEncoding] else { return .identity }
        let accepted = AcceptEncoding(field)
        guard let representation = accepted.preferred(isWorthCoding: true) else {
            throw Refusal(
                .notAcceptable, "this can be sent as it is, or as gzip or deflate; Accept-Encoding excludes all",
                fields: DownloadPlan.varying)
        }
        return representation
    }

    /// What a response says of it.
    var fields: HTTPFields {
        var fields = DownloadPlan.varying
        if case .coded(let coding) = self { fields[.contentEncoding] = coding.token }
        return fields
    }
}
