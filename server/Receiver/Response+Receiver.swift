import ContentCoding
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Platform

extension UploadReport {
    /// RFC 9110 §9.3.4: a `PUT` that has created something says 201, and, where that is not the
    /// request's own target, where it is.
    func fields(for upload: UploadRequest) -> HTTPFields {
        // A hidden file is nowhere to be had.
        guard case .file = upload.content, let name = parts.first?.savedAs, FileName.isPublic(name) else { return [:] }
        return [.location: "/files/" + name.percentEncoded]
    }
}

extension Refusal {
    var response: Response { .json(json, status: code.status, fields: fields) }
}

extension EchoRequest {
    /// A stranger's content, like a file's: see ``DownloadPlan``.
    var fields: HTTPFields {
        var fields = representation.fields
        fields[.contentType] = contentType
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "sandbox"
        return fields
    }
}

extension CountRequest {
    var fields: HTTPFields {
        var fields = representation.fields
        fields[.contentType] = "text/plain; charset=utf-8"
        fields[.cacheControl] = "no-store"
        return fields
    }
}

extension Response {
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

    /// Of which a slow client takes each in time.
    fileprivate static let pieceSize = 64 * 1024

    /// A text that is short, and that a client may have made up.
    static func text(_ text: String, _ representation: Representation) throws(CodingError) -> Response {
        switch representation {
        case .identity:
            return Response(status: .ok, headers: textFields, body: .init(byteBuffer: ByteBuffer(string: text)))
        case .coded(let coding):
            var fields = textFields
            fields[.contentEncoding] = coding.token
            let content = ByteBuffer(bytes: try coding.encode(Array(text.utf8)))
            return Response(status: .ok, headers: fields, body: .init(byteBuffer: content))
        }
    }

    private static let textFields: HTTPFields = [
        .vary: "Accept-Encoding", .contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff",
    ]

    /// An answer to HEAD, 204 or 304. It says nothing of its length but what the fields do: 0 would
    /// be that of the content which is not sent (RFC 9110 §8.6).
    static func withoutContent(_ status: HTTPResponse.Status, _ fields: HTTPFields) -> Response {
        var response = Response(status: status, headers: fields)
        response.headers[.contentLength] = fields[.contentLength]
        return response
    }

    /// Content that is made while it is sent. Its end is the request's.
    ///
    /// - Parameter send: writes it, and keeps count of it, also where it fails. What it throws ends the connection,
    ///   so that the client cannot take the content for whole.
    static func streaming(
        _ status: HTTPResponse.Status, _ fields: HTTPFields, _ record: RequestRecord,
        _ send: @escaping @Sendable (inout any ResponseBodyWriter, inout Int) async throws -> Void
    ) -> Response {
        let content = ResponseBody { writer in
            var bytesSent = 0
            do {
                try await send(&writer, &bytesSent)
                try await writer.finish(nil)
                record.count(bytes: bytesSent)
                record.end(status)
            } catch {
                record.count(bytes: bytesSent)
                record.end(status, .init(error))
                throw error
            }
        }
        return Response(status: status, headers: fields, body: content)
    }
}

extension ResponseBody {
    /// What is long, the list of many files, and would be no progress before it has all been taken.
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
