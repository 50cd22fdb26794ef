internal import ContentCoding

/// The server's answer to a request.
public struct Response: Sendable {
    /// The status code (RFC 9110 §15), 200 or more.
    public let status: Int
    /// As they came: where the content was decoded, Content-Encoding still says from what, and
    /// Content-Length how long that was.
    public let headerFields: HeaderFields
    /// How many bytes of the request's body had been handed to the network when the answer came:
    /// fewer than all of them when the server refused the rest (413, 401 and the like).
    public let bytesSent: Int64
    /// The content, as it arrives, decoded where Content-Encoding is gzip or deflate: the client asks
    /// for these two. With any other, or several, it is given as it comes, likewise if
    /// ``Client/Configuration/headerFields`` ask for codings or a range themselves.
    public let body: Body
    let metricsBox: MetricsBox

    init(_ answer: Answer, connection: ConnectionHandle, id: TransferID) {
        status = answer.status
        headerFields = answer.headerFields
        bytesSent = answer.bytesSent
        metricsBox = answer.metrics
        let coding = answer.isDecoded ? headerFields["Content-Encoding"].flatMap { Coding(token: $0) } : nil
        body = Body(source: Body.Source(content: answer.content, coding: coding, connection: connection, id: id))
    }

    /// Whether the status is 200 to 299.
    public var isSuccess: Bool { (200...299).contains(status) }

    /// The whole content; suspends until it is complete.
    ///
    /// - Parameter limit: in bytes of decoded content, of which no more than 64 KiB beyond it are ever
    ///   made; 16 MiB unless given.
    /// - Throws: ``ClientError/Code/responseTooLarge`` beyond the limit, and what ``body`` throws.
    public func bytes(limit: Int = 16 << 20) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in body {
            guard bytes.count + chunk.count <= limit else {
                throw ClientError(
                    .responseTooLarge, "the content of the response is longer than \(limit) bytes", bytesSent: bytesSent
                )
            }
            bytes += chunk
        }
        return bytes
    }

    /// The whole content as UTF-8, whatever the charset; bytes that are not become U+FFFD.
    /// Suspends until it is complete.
    ///
    /// - Parameter limit: in bytes; 16 MiB unless given.
    /// - Throws: as ``bytes(limit:)``.
    public func text(limit: Int = 16 << 20) async throws -> String {
        String(decoding: try await bytes(limit: limit), as: UTF8.self)
    }
}
