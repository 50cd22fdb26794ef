import ContentCoding
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

package enum JSON {
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    /// A value in one line, without the line's end. Members are sorted by name.
    ///
    /// - Parameter value: contains no number that is not finite.
    package static func text(_ value: some Encodable) -> String {
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            preconditionFailure("\(value) cannot be encoded as JSON: \(error)")
        }
    }
}

extension Refusal {
    /// One line, with its end.
    var json: String { JSON.text(["error": message]) + "\n" }

    var response: Response { .json(json, status: code.status, fields: fields) }
}

extension Response {
    /// A slow client reads a piece of this size within the stall timeout.
    fileprivate static let pieceSize = 64 * 1024

    static func json(_ text: String, status: HTTPResponse.Status = .ok, fields: HTTPFields = [:]) -> Response {
        .content(text, type: "application/json", status: status, fields: fields)
    }

    static func content(
        _ text: String, type: String, status: HTTPResponse.Status = .ok, fields: HTTPFields = [:]
    ) -> Response {
        var fields = fields
        fields[.contentType] = type
        let bytes = ByteBuffer(string: text)
        return Response(
            status: status, headers: fields,
            body: bytes.readableBytes > pieceSize ? .inPieces(bytes) : .init(byteBuffer: bytes))
    }

    /// A short text, which may come from the client.
    static func text(_ text: String, _ representation: Representation) throws(CodingError) -> Response {
        var fields = representation.fields
        fields[.contentType] = "text/plain; charset=utf-8"
        fields[.xContentTypeOptions] = "nosniff"
        let content =
            switch representation {
            case .identity: ByteBuffer(string: text)
            case .coded(let coding): ByteBuffer(bytes: try coding.encode(Array(text.utf8)))
            }
        return Response(status: .ok, headers: fields, body: .init(byteBuffer: content))
    }

    /// A response to HEAD, a 204 or a 304. Its `Content-Length` is the one in `fields`, or none: 0 would be the length
    /// of the content that is not sent (RFC 9110 §8.6).
    static func withoutContent(_ status: HTTPResponse.Status, _ fields: HTTPFields) -> Response {
        var response = Response(status: status, headers: fields)
        response.headers[.contentLength] = fields[.contentLength]
        return response
    }

    /// A response whose content is produced while it is sent. The request ends with the content.
    ///
    /// - Parameter send: writes the content. An error closes the connection, so that the client does not take the
    ///   content for complete.
    static func streaming(
        _ status: HTTPResponse.Status, _ fields: HTTPFields, _ record: RequestRecord,
        _ send: @escaping @Sendable (inout ContentWriter) async throws -> Void
    ) -> Response {
        let content = ResponseBody { writer in
            var counted = ContentWriter(writer: writer)
            do {
                try await send(&counted)
                try await counted.writer.finish(nil)
                record.count(bytes: counted.bytesSent)
                record.end(status)
            } catch {
                record.count(bytes: counted.bytesSent)
                record.end(status, .init(error))
                throw error
            }
        }
        return Response(status: status, headers: fields, body: content)
    }
}

/// Writes the content of a response and counts its bytes.
struct ContentWriter {
    fileprivate var writer: any ResponseBodyWriter
    fileprivate var bytesSent = 0

    /// Does nothing without bytes: an encoder may have kept them all.
    mutating func write(_ bytes: ByteBuffer) async throws {
        guard bytes.readableBytes > 0 else { return }
        try await writer.write(bytes)
        bytesSent += bytes.readableBytes
    }
}

extension ResponseBody {
    /// Long content, such as a list of many files. Sent in one piece, it would be no progress until the client has read
    /// all of it.
    fileprivate static func inPieces(_ bytes: ByteBuffer) -> ResponseBody {
        ResponseBody(contentLength: bytes.readableBytes) { writer in
            var rest = bytes
            while let piece = rest.readSlice(length: min(Response.pieceSize, rest.readableBytes)),
                piece.readableBytes > 0
            {
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
    }
}
