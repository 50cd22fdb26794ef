import ContentCoding
import HTTPTypes

/// A request whose body is sent back.
struct EchoRequest: Hashable, Sendable {
    /// Of the request's body; nil where it is sent as it is.
    let coding: Coding?
    /// Of the response.
    let representation: Representation
    let contentType: String

    /// - Throws: ``Refusal`` when the body is not worth reading, or cannot be answered.
    init(_ head: HTTPRequest) throws(Refusal) {
        coding = try head.headerFields.contentCoding()
        representation = try .accepted(by: head)
        contentType = head.headerFields[.contentType] ?? "application/octet-stream"
    }
}
