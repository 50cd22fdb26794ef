import HTTPTypes
import Multipart
import Testing

@testable import Receiver

@Suite struct UploadRequestTests {
    private func head(
        _ method: HTTPRequest.Method = .post, _ path: String = "/", type: String? = "multipart/form-data; boundary=b",
        coding: String? = nil
    ) -> HTTPRequest {
        var head = HTTPRequest(method: method, scheme: "http", authority: "x", path: path)
        head.headerFields[.contentType] = type
        head.headerFields[.contentEncoding] = coding
        return head
    }

    @Test(arguments: ["/", "/?x=/upload", "/upload", "/upload/", "/upload/a/b?c"])
    func pathsThatTakeUploads(path: String) throws {
        #expect(try UploadRequest(judging: head(.post, path)).boundary.description == "b")
    }

    @Test(arguments: ["/uploads", "/x", "//", "*", "/UPLOAD", ""])
    func otherPathsAreNotFound(path: String) {
        #expect(throws: Refusal.self) { try UploadRequest(judging: head(.post, path)) }
        #expect(refusal(head(.get, path))?.code == .notFound)
    }

    @Test(arguments: [HTTPRequest.Method.get, .head, .put, .delete, .options])
    func otherMethods(method: HTTPRequest.Method) {
        #expect(refusal(head(method))?.code == .methodNotAllowed)
        #expect(refusal(head(method))?.fields[.allow] == "POST")
    }

    @Test func mediaTypes() {
        #expect(refusal(head(type: nil))?.code == .unsupported)
        #expect(refusal(head(type: "application/json"))?.code == .unsupported)
        #expect(refusal(head(type: "multipart/mixed; boundary=b"))?.code == .unsupported)
        #expect(refusal(head(type: "multipart/form-data"))?.code == .malformed)
        #expect(refusal(head(type: "multipart/form-data; boundary="))?.code == .malformed)
        #expect(refusal(head(type: "multipart/form-data; boundary=\"é\""))?.code == .malformed)
        #expect(refusal(head(type: "Multipart/Form-Data; charset=x; BOUNDARY=\"b\"")) == nil)
    }

    @Test func contentCodings() {
        #expect(refusal(head(coding: "gzip"))?.code == .unsupported)
        #expect(refusal(head(coding: "gzip"))?.fields[.acceptEncoding] == "identity")
        #expect(refusal(head(coding: "identity, gzip"))?.code == .unsupported)
        #expect(refusal(head(coding: "Identity")) == nil)
    }

    private func refusal(_ head: HTTPRequest) -> Refusal? {
        do {
            _ = try UploadRequest(judging: head)
            return nil
        } catch {
            return error
        }
    }
}
