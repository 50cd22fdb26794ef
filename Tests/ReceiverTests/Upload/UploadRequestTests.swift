import ContentCoding
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

    @Test func mediaTypes() {
        #expect(refusal { try UploadRequest(form: head(type: nil)) }?.code == .unsupported)
        #expect(refusal { try UploadRequest(form: head(type: "application/json")) }?.code == .unsupported)
        #expect(refusal { try UploadRequest(form: head(type: "multipart/mixed; boundary=b")) }?.code == .unsupported)
        #expect(refusal { try UploadRequest(form: head(type: "multipart/form-data")) }?.code == .malformed)
        #expect(refusal { try UploadRequest(form: head(type: "multipart/form-data; boundary=")) }?.code == .malformed)
        #expect(
            refusal { try UploadRequest(form: head(type: "multipart/form-data; boundary=\"é\"")) }?.code == .malformed)
        #expect(
            refusal { try UploadRequest(form: head(type: "Multipart/Form-Data; charset=x; BOUNDARY=\"b\"")) } == nil)
    }

    @Test(
        arguments: [
            (nil, nil), ("", nil), ("identity", nil), ("Identity, ,identity", nil), ("gzip", .gzip), ("X-GZIP", .gzip),
            (" deflate\t", .deflate), ("identity, gzip", .gzip), ("gzip,,identity", .gzip),
        ] as [(String?, Coding?)])
    func codingsThatAreTaken(field: String?, expected: Coding?) throws {
        #expect(try UploadRequest(form: head(coding: field)).coding == expected)
        #expect(try UploadRequest(file: head(.put, coding: field), named: "x").coding == expected)
    }

    @Test(arguments: ["br", "gzip, gzip", "gzip, deflate", "gzipped", "*", "gzip;q=1"])
    func codingsThatAreNot(field: String) {
        for refusal in [
            refusal { try UploadRequest(form: head(coding: field)) },
            refusal { try UploadRequest(file: head(.put, coding: field), named: "x") },
        ] {
            #expect(refusal?.code == .unsupported)
            #expect(refusal?.fields[.acceptEncoding] == "gzip, deflate")
        }
    }

    @Test func codingsOnSeveralLines() throws {
        var head = head(coding: "identity")
        head.headerFields.append(HTTPField(name: .contentEncoding, value: "deflate"))
        #expect(try UploadRequest(form: head).coding == .deflate)
        head.headerFields.append(HTTPField(name: .contentEncoding, value: "gzip"))
        #expect(refusal { try UploadRequest(form: head) }?.code == .unsupported)
    }

    @Test(
        arguments: [
            ("a", nil, "a"), (nil, "b", "b"), ("a", "b", "b"), ("a", "", "a"), (nil, "x%20%C3%A9", "x é"),
            (nil, "100%", "100%"), (nil, "../%2e", "../."),
        ] as [(String?, String?, String)])
    func namesOfFiles(path: String?, field: String?, expected: String) throws {
        var head = head(.put, type: "text/plain")
        if let field { head.headerFields[try #require(HTTPField.Name("x-filename"))] = field }
        let content = try UploadRequest(file: head, named: path).content
        #expect(content == .file(named: expected, contentType: "text/plain"))
    }

    @Test func aFileWithoutANameOrOnlyAPartIsRefused() {
        #expect(refusal { try UploadRequest(file: head(.put), named: nil) }?.code == .malformed)
        #expect(refusal { try UploadRequest(file: head(.put), named: "") }?.code == .malformed)
        var part = self.head(.put)
        part.headerFields[.contentRange] = "bytes 0-9/100"
        #expect(refusal { try UploadRequest(file: part, named: "x") }?.code == .malformed)
    }
}
