import ContentCoding
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

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

extension ProblemDetails {
    /// - Parameter refusal: the one with these details.
    func response(_ refusal: Refusal) -> Response {
        let content = Content(details: self, status: refusal.code.status.code, error: refusal.message)
        return .content(
            JSON.text(content) + "\n", status: refusal.code.status,
            fields: refusal.fields.setting(.contentType, to: "application/problem+json"))
    }

    private struct Content: Encodable {
        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }

            init(_ name: String) { stringValue = name }
            init?(stringValue: String) { self.init(stringValue) }
            init?(intValue: Int) { nil }
        }

        let details: ProblemDetails
        let status: Int
        let error: String

        func encode(to encoder: any Encoder) throws {
            var members = encoder.container(keyedBy: Key.self)
            try members.encode("https://iana.org/assignments/http-problem-types#" + details.type, forKey: Key("type"))
            try members.encode(details.title, forKey: Key("title"))
            try members.encode(status, forKey: Key("status"))
            try members.encode(error, forKey: Key("error"))
            for (name, value) in details.members { try members.encode(value, forKey: Key(name)) }
        }
    }
}

extension HTTPFields {
    fileprivate func setting(_ name: HTTPField.Name, to value: String) -> HTTPFields {
        var fields = self
        fields[name] = value
        return fields
    }
}

extension Refusal {
    /// One line, with its end.
    var json: String { JSON.text(["error": message]) + "\n" }

    var response: Response {
        var response = Response.json(json, status: code.status, fields: fields)
        response.headers.restrictUse(isForOtherOrigins: false)
        return response
    }
}

extension HTTPFields {
    /// Adds the fields that restrict what a browser does with a response.
    ///
    /// - Parameter isForOtherOrigins: whether pages of other origins may use it.
    mutating func restrictUse(isForOtherOrigins: Bool) {
        // The type of a file is a guess from its name; a browser's guess from its content would be worse.
        self[.xContentTypeOptions] = "nosniff"
        // Pages can embed images, scripts and styles of other origins without CORS, unless this forbids it
        // (https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header).
        self[.crossOriginResourcePolicy] = isForOtherOrigins ? "cross-origin" : "same-origin"
    }
}

extension Response {
    /// A slow client reads a piece of this size within the stall timeout.
    fileprivate static let pieceSize = 64 * 1024

    static func json(_ text: String, status: HTTPResponse.Status = .ok, fields: HTTPFields = [:]) -> Response {
        var fields = fields
        fields[.contentType] = "application/json"
        return .content(text, status: status, fields: fields)
    }

    /// - Parameter fields: with the content's type.
    static func content(_ text: String, status: HTTPResponse.Status = .ok, fields: HTTPFields) -> Response {
        let bytes = ByteBuffer(string: text)
        return Response(
            status: status, headers: fields,
            body: bytes.readableBytes > pieceSize ? .inPieces(bytes) : .init(byteBuffer: bytes))
    }

    /// A short text, which may come from the client.
    static func text(_ text: String, _ representation: Representation) throws(CodingError) -> Response {
        var fields = representation.fields
        fields[.contentType] = "text/plain; charset=utf-8"
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
    /// - Parameters:
    ///   - channel: of the connection or stream.
    ///   - send: writes the content. An error closes the connection, so that the client does not take the content for
    ///     complete.
    static func streaming(
        _ status: HTTPResponse.Status, _ fields: HTTPFields, _ record: RequestRecord, _ channel: any Channel,
        _ send: @escaping @Sendable (inout ContentWriter) async throws -> Void
    ) -> Response {
        let content = ResponseBody { writer in
            var content = ContentWriter(channel: channel, writer: writer)
            do {
                try await send(&content)
                try await content.writer.finish(nil)
                record.count(bytes: content.bytesSent)
                record.end(status)
            } catch {
                record.count(bytes: content.bytesSent)
                record.end(status, .init(error))
                throw error
            }
        }
        return Response(status: status, headers: fields, body: content)
    }
}

/// Writes the content of a response and counts its bytes.
struct ContentWriter {
    fileprivate let channel: any Channel
    fileprivate var writer: any ResponseBodyWriter
    fileprivate var bytesSent = 0

    /// Suspends until the kernel has all of the bytes, so that nothing is produced ahead of a client. There may be none: an
    /// encoder may have kept them all.
    ///
    /// - Throws: if the connection or stream has ended; `CancellationError` if the server is stopping.
    mutating func write(_ bytes: ByteBuffer) async throws {
        guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
        guard bytes.readableBytes > 0 else { return }
        do {
            try await channel.writeAndFlush(HTTPResponsePart.body(bytes)).get()
        } catch {
            // A server that is stopping cancels the task, and closes the channel.
            try Task.checkCancellation()
            throw error
        }
        bytesSent += bytes.readableBytes
    }
}

extension ContentWriter {
    /// Suspends only while the connection has more bytes to send than it buffers. For content that arrives in small pieces,
    /// which would take much longer one after another.
    mutating func writeBuffered(_ bytes: ByteBuffer) async throws {
        guard bytes.readableBytes > 0 else { return }
        try await writer.write(bytes)
        bytesSent += bytes.readableBytes
    }

    /// Writes long content. In one piece, it would be no progress until the client has read all of it.
    mutating func writeInPieces(_ bytes: ByteBuffer) async throws {
        var rest = bytes
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(Response.pieceSize, rest.readableBytes)) {
            try await write(piece)
        }
    }
}

extension ResponseBody {
    /// Long content, such as a report of many parts. Sent in one piece, it would be no progress until the client has read
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
