import ContentCoding
import HTTPTypes
import Multipart
import Testing

@testable import Receiver

@Suite("Upload requests")
struct UploadRequestTests {
    private func head(
        _ method: HTTPRequest.Method = .post, _ path: String = "/", type: String? = "multipart/form-data; boundary=b",
        coding: String? = nil
    ) -> HTTPRequest {
        var head = HTTPRequest(method: method, scheme: "http", authority: "x", path: path)
        head.headerFields[.contentType] = type
        head.headerFields[.contentEncoding] = coding
        return head
    }

    @Test("only multipart/form-data with a valid boundary is a form") func mediaTypes() {
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
        "gzip, deflate and identity are accepted",
        arguments: [
            (nil, nil), ("", nil), ("identity", nil), ("Identity, ,identity", nil), ("gzip", .gzip), ("X-GZIP", .gzip),
            (" deflate\t", .deflate), ("identity, gzip", .gzip), ("gzip,,identity", .gzip),
        ] as [(String?, Coding?)])
    func codings(field: String?, expected: Coding?) throws {
        #expect(try UploadRequest(form: head(coding: field)).coding == expected)
        #expect(try UploadRequest(file: head(.put, type: nil, coding: field), named: "x").coding == expected)
    }

    @Test(
        "other and multiple codings are refused",
        arguments: ["br", "gzip, gzip", "gzip, deflate", "gzipped", "*", "gzip;q=1"])
    func otherCodings(field: String) {
        for refusal in [
            refusal { try UploadRequest(form: head(coding: field)) },
            refusal { try UploadRequest(file: head(.put, type: nil, coding: field), named: "x") },
        ] {
            #expect(refusal?.code == .unsupported)
            #expect(refusal?.fields[.acceptEncoding] == "gzip, deflate")
        }
    }

    @Test("all lines of Content-Encoding count") func severalLines() throws {
        var head = head(coding: "identity")
        head.headerFields.append(HTTPField(name: .contentEncoding, value: "deflate"))
        #expect(try UploadRequest(form: head).coding == .deflate)
        head.headerFields.append(HTTPField(name: .contentEncoding, value: "gzip"))
        #expect(refusal { try UploadRequest(form: head) }?.code == .unsupported)
    }

    @Test(
        "the field x-filename overrides the name in the path",
        arguments: [
            ("a", nil, "a"), (nil, "b", "b"), ("a", "b", "b"), ("a", "", "a"), (nil, "x%20%C3%A9", "x é"),
            (nil, "100%", "100%"), (nil, "../%2e", "../."), (nil, "a%F1b", "añb"), (nil, "%EF%BF%BD", "\u{FFFD}"),
        ] as [(String?, String?, String)])
    func names(path: String?, field: String?, expected: String) throws {
        var head = head(.put, type: "text/plain")
        head.headerFields[.xFilename] = field
        let content = try UploadRequest(file: head, named: path).content
        #expect(content == .file(named: expected, contentType: "text/plain"))
    }

    @Test("a file without a name, or with a Content-Range, is refused") func refusals() {
        #expect(refusal { try UploadRequest(file: head(.put), named: nil) }?.code == .malformed)
        #expect(refusal { try UploadRequest(file: head(.put), named: "") }?.code == .malformed)
        var part = self.head(.put, type: nil)
        part.headerFields[.contentRange] = "bytes 0-9/100"
        #expect(refusal { try UploadRequest(file: part, named: "x") }?.code == .malformed)
    }

    @Test(
        "a form is not a file; files of other multipart types are",
        arguments: [
            ("multipart/form-data; boundary=b", Refusal.Code.unsupported), ("Multipart/Form-Data", .unsupported),
            (" multipart/form-data\t; boundary=\"b", .unsupported), ("multipart/related; boundary=b", nil),
            ("multipart/x-zip", nil), ("multipart/form-data-ish", nil), (nil, nil),
        ] as [(String?, Refusal.Code?)])
    func formsAsFiles(type: String?, code: Refusal.Code?) {
        #expect(refusal { try UploadRequest(file: head(.put, type: type), named: "x") }?.code == code)
    }

    @Test("text that was not UTF-8 is refused", arguments: [HTTPField.Name.xFilename, .contentType])
    func notUTF8(field: HTTPField.Name) {
        var head = head(.put, type: nil)
        // SwiftNIO replaces such bytes.
        head.headerFields[field] = "a\u{FFFD}b"
        #expect(refusal { try UploadRequest(file: head, named: "x") }?.code == .malformed)
    }
}
