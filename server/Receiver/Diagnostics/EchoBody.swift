import ContentCoding
import HummingbirdCore
import NIOCore

/// Sends a request's body back while it comes, each piece before the next one is read: what the client
/// does not read, it cannot go on sending.
struct EchoBody: Sendable {
    private let request: EchoRequest
    private let content: RequestBody
    private let rules: Route.Rules
    private let decoding: DecodingLimits

    init(_ request: EchoRequest, _ content: RequestBody, rules: Route.Rules, decoding: DecodingLimits) {
        self.request = request
        self.content = content
        self.rules = rules
        self.decoding = decoding
    }

    /// - Parameter bytesSent: is kept up to date, also where sending fails.
    /// - Throws: where the body is cut off, or its coding is not valid.
    func send(to writer: inout any ResponseBodyWriter, bytesSent: inout Int) async throws {
        let decoder = request.coding.map { BodyDecoder($0, limits: decoding) }
        let encoder: BodyEncoder? =
            switch request.representation {
            case .identity: nil
            case .coded(let coding): try BodyEncoder(coding)
            }
        var bytesRead = 0
        for try await chunk in content {
            bytesRead += chunk.readableBytes
            try rules.judge(bodyBytes: bytesRead)
            var rest = chunk
            if let decoder {
                while let piece = try await decoder.next(of: &rest) {
                    try await Self.send(piece, encoder, to: &writer, &bytesSent)
                }
            } else if rest.readableBytes > 0 {
                try await Self.send(rest, encoder, to: &writer, &bytesSent)
            }
        }
        // An iterator also ends, without an error, where the task is cancelled.
        try Task.checkCancellation()
        try decoder?.finish()
        if let encoder { try await Self.write(encoder.encode(ByteBuffer(), .finish), to: &writer, &bytesSent) }
    }

    private static func send(
        _ piece: ByteBuffer, _ encoder: BodyEncoder?, to writer: inout any ResponseBodyWriter, _ bytesSent: inout Int
    ) async throws {
        // All of it, now: the client may send no more before it has seen this.
        try await write(encoder?.encode(piece, .flush) ?? piece, to: &writer, &bytesSent)
    }

    private static func write(
        _ bytes: ByteBuffer, to writer: inout any ResponseBodyWriter, _ bytesSent: inout Int
    ) async throws {
        try await writer.write(bytes)
        bytesSent += bytes.readableBytes
    }
}
