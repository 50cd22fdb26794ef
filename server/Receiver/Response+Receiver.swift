import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension UploadReport {
    /// RFC 9110 §9.3.4: a `PUT` that has created something says 201, and, where that is not the
    /// request's own target, where it is.
    func response(to upload: UploadRequest) -> Response {
        var fields = HTTPFields()
        // A hidden file is nowhere to be had.
        if case .file = upload.content, let name = parts.first?.savedAs, FileName.isPublic(name) {
            fields[.location] = "/files/" + name.percentEncoded
        }
        return .json(json, status: .created, fields: fields)
    }
}

extension Refusal {
    var response: Response { .json(json, status: code.status, fields: fields) }
}

extension Response {
    static func json(_ text: String, status: HTTPResponse.Status = .ok, fields: HTTPFields = [:]) -> Response {
        var fields = fields
        fields[.contentType] = "application/json"
        return Response(status: status, headers: fields, body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// An answer to HEAD, 204 or 304. It says nothing of its length but what the fields do: 0 would
    /// be that of the content which is not sent (RFC 9110 §8.6).
    static func withoutContent(_ status: HTTPResponse.Status, _ fields: HTTPFields) -> Response {
        var response = Response(status: status, headers: fields)
        response.headers[.contentLength] = fields[.contentLength]
        response.headers[.transferEncoding] = nil
        return response
    }

    /// A file.
    ///
    /// - Parameter onEnd: is told how many bytes of the content have been sent, and why not all, once
    ///   it is over.
    static func sending(
        _ body: DownloadBody, _ plan: DownloadPlan, onEnd: @escaping @Sendable (_ bytes: Int, (any Error)?) -> Void
    ) -> Response {
        let content = ResponseBody { writer in
            var bytesSent = 0
            do {
                try await body.send(to: &writer, bytesSent: &bytesSent)
                try await writer.finish(nil)
                onEnd(bytesSent, nil)
            } catch {
                onEnd(bytesSent, error)
                throw error
            }
        }
        return Response(status: plan.status, headers: plan.fields, body: content)
    }
}
