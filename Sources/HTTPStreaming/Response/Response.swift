internal import ContentCoding

/// The server's answer to a request.
public struct Response: Sendable {
    /// The status code (RFC 9110 §15), 200 or more.
    public let status: Int
    /// As the server sent them: where ``body`` is decoded, Content-Encoding and Content-Length still describe the coded
    /// form.
    public let headerFields: HeaderFields
    /// How many bytes of the request's body had been handed to the network when the answer was received: fewer than
    /// all of them if the server refused the rest (413, 401 and the like).
    public let bytesSent: Int64
    /// The content as it arrives, decoded if Content-Encoding is gzip or deflate, which the client asks for. With any
    /// other coding, or several, it is not decoded, nor if header fields of the caller ask for codings or a range.
    public let body: Body
    let metricsBox: MetricsBox
    let progressInterval: Duration
    /// How the content is asked for again; nil unless this is the response to a `GET`.
    let download: DownloadSession?

    init(_ answer: TransferResponse, connection: ConnectionHandle, id: TransferID, download: DownloadSession? = nil) {
        status = answer.status
        headerFields = answer.headerFields
        bytesSent = answer.bytesSent
        metricsBox = answer.metrics
        progressInterval = answer.progressInterval
        let coding = answer.coding(isDecoded: answer.isDecoded)
        body = Body(source: Body.Source(content: answer.content, coding: coding, connection: connection, id: id))
        self.download = download
    }

    /// Whether the status is 200 to 299.
    public var isSuccess: Bool { (200...299).contains(status) }

    /// Throws an error if the status is not 200 to 299: then suspends until up to 64 KiB of the content have been
    /// received, which the error holds.
    ///
    /// ```swift
    /// let stored = try await client.send(.file("big.bin")).requireSuccess()
    /// ```
    ///
    /// - Returns: this response.
    /// - Throws: ``StatusError``; its content is shorter if it could not be received.
    @discardableResult
    public func requireSuccess() async throws -> Response {
        if isSuccess { return self }
        var content: [UInt8] = []
        do {
            for try await chunk in body {
                content += chunk.prefix(StatusError.contentLimit - content.count)
                if content.count == StatusError.contentLimit { break }
            }
        } catch ClientError.Code.cancelled {
            throw ClientError.cancelled(bytesSent: bytesSent)
        } catch {}
        throw StatusError(status: status, headerFields: headerFields, content: content)
    }

    /// The whole content; suspends until it is complete.
    ///
    /// - Parameter limit: in bytes of decoded content, of which no more than 64 KiB beyond it are ever
    ///   made; 16 MiB by default.
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

    /// The whole content as UTF-8, whatever the charset; bytes that are not UTF-8 become U+FFFD.
    /// Suspends until it is complete.
    ///
    /// - Parameter limit: in bytes; 16 MiB by default.
    /// - Throws: as ``bytes(limit:)``.
    public func text(limit: Int = 16 << 20) async throws -> String {
        String(decoding: try await bytes(limit: limit), as: UTF8.self)
    }
}

/// A response that is no success; see ``Response/requireSuccess()``.
public struct StatusError: Error, Sendable, CustomStringConvertible {
    static let contentLimit = 64 << 10

    /// The status code (RFC 9110 §15).
    public let status: Int
    /// As the server sent them.
    public let headerFields: HeaderFields
    /// The content of the response, 64 KiB at most.
    public let content: [UInt8]

    /// The status and the first line of the content, as text without control characters: 200 characters at most.
    public var description: String {
        let text = String(decoding: content, as: UTF8.self)
        let line = text.drop(while: \.isWhitespace).prefix { !$0.isNewline }.prefix(200)
        let printable = line.unicodeScalars.filter { $0.properties.generalCategory != .control }
        let reason = String(String.UnicodeScalarView(printable))
        return "the server answered with status \(status)" + (reason.isEmpty ? "" : ": \(reason)")
    }
}
