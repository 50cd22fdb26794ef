import ContentCoding
import HTTPTypes
import HummingbirdCore
import NIOCore

/// `POST /echo`: a request whose body is streamed back as it arrives.
struct EchoRequest: Hashable, Sendable {
    /// Of the request's body; nil for none.
    let coding: Coding?
    /// Of the response.
    let representation: Representation
    let contentType: String

    /// - Throws: ``Refusal`` if the body need not be read, or cannot be sent back.
    init(_ head: HTTPRequest) throws(Refusal) {
        coding = try head.headerFields.contentCoding()
        representation = try .accepted(by: head)
        contentType = head.headerFields[.contentType] ?? "application/octet-stream"
    }

    /// The content comes from a client, like a file's: see ``DownloadPlan``.
    var fields: HTTPFields {
        var fields = representation.fields
        fields[.contentType] = contentType
        fields[.contentSecurityPolicy] = "sandbox"
        return fields
    }
}

/// Sends each piece of a request's body back before it reads the next one: a client that does not read cannot go on
/// sending.
struct EchoBody: Sendable {
    let request: EchoRequest
    /// Nil if the response is not coded.
    let encoder: BodyEncoder?
    let content: RequestBody
    let rules: Route.Rules
    let decoding: DecodingLimits

    /// - Throws: if the body is cut off or its coding is invalid.
    func send(to writer: inout ContentWriter) async throws {
        let decoder = request.coding.map { BodyDecoder($0, limits: decoding) }
        var bytesRead = 0
        for try await chunk in content {
            bytesRead += chunk.readableBytes
            try rules.check(bodyBytes: bytesRead)
            var rest = chunk
            // Flushed: the client may wait for these bytes before it sends more.
            if let decoder {
                while let piece = try await decoder.next(of: &rest) {
                    try await writer.writeBuffered(encoder?.encode(piece, .flush) ?? piece)
                }
            } else if rest.readableBytes > 0 {
                try await writer.writeBuffered(encoder?.encode(rest, .flush) ?? rest)
            }
        }
        // The sequence of a cancelled task ends without an error.
        try Task.checkCancellation()
        try decoder?.finish()
        if let encoder { try await writer.writeBuffered(encoder.encode(ByteBuffer(), .finish)) }
    }
}
