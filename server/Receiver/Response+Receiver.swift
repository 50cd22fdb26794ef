import HTTPTypes
import Hummingbird
import NIOCore

extension UploadReport {
    /// RFC 9110 §9.3.4: a `PUT` that has created something says 201, and, where that is not the
    /// request's own target, where it is.
    func response(to upload: UploadRequest) -> Response {
        var fields = HTTPFields()
        if case .file = upload.content, let name = parts.first?.savedAs {
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

    static func noContent(fields: HTTPFields) -> Response {
        Response(status: .noContent, headers: fields)
    }
}
