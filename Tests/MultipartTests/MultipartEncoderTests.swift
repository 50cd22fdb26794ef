import Multipart
import Testing

@Suite("Multipart encoder", .timeLimit(.minutes(3)))
struct MultipartEncoderTests {
    private let encoder: MultipartEncoder

    init() throws { encoder = MultipartEncoder(boundary: try Boundary("B")) }

    private func opening(_ head: PartHead) throws -> String {
        let bytes = try encoder.opening(of: head)
        #expect(try encoder.framingLength(of: head) == bytes.count + MultipartEncoder.partEnd.count)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("a field's head holds its name") func field() throws {
        #expect(try opening(PartHead(name: "n")) == "--B\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n")
    }

    @Test("a file's head holds filename, content type and further fields") func file() throws {
        let head = PartHead(
            name: "n", filename: "f", contentType: "text/plain", otherFields: [HeaderField(name: "X", value: "é\ty")]
        )
        #expect(
            try opening(head)
                == "--B\r\nContent-Disposition: form-data; name=\"n\"; filename=\"f\"\r\nContent-Type: text/plain\r\nX: é\ty\r\n\r\n"
        )
    }

    @Test("the message ends with the closing delimiter") func end() {
        #expect(String(decoding: encoder.messageEnd, as: UTF8.self) == "--B--\r\n")
        #expect(encoder.messageEndLength == encoder.messageEnd.count)
        #expect(String(decoding: MultipartEncoder.partEnd, as: UTF8.self) == "\r\n")
    }

    @Test(
        "only quotes, CR and LF are escaped in names",
        arguments: [
            ("a\"b", "a%22b"), ("\r\n", "%0D%0A"), ("\n\r", "%0A%0D"), ("é日本\u{301}", "é日本\u{301}"),
            ("a;b\\c%d e/f'", "a;b\\c%d e/f'"), ("", ""), ("\u{1}\u{7F}\t", "\u{1}\u{7F}\t"),
        ])
    func escaping(text: String, expected: String) throws {
        #expect(
            try opening(PartHead(name: text, filename: text))
                == "--B\r\nContent-Disposition: form-data; name=\"\(expected)\"; filename=\"\(expected)\"\r\n\r\n"
        )
    }

    @Test(
        "a head that no header can hold is refused",
        arguments: [
            PartHead(name: "a\0"), PartHead(name: "a", filename: "\0"),
            PartHead(name: "a", contentType: "text/plain\r\nX: y"), PartHead(name: "a", contentType: "a\u{7F}"),
            PartHead(name: "a", otherFields: [HeaderField(name: "", value: "x")]),
            PartHead(name: "a", otherFields: [HeaderField(name: "X:", value: "x")]),
            PartHead(name: "a", otherFields: [HeaderField(name: "X Y", value: "x")]),
            PartHead(name: "a", otherFields: [HeaderField(name: "Xé", value: "x")]),
            PartHead(name: "a", otherFields: [HeaderField(name: "X", value: "a\nb")]),
            PartHead(name: "a", otherFields: [HeaderField(name: "X", value: "a\0b")]),
            PartHead(name: "a", otherFields: [HeaderField(name: "content-Disposition", value: "form-data; name=b")]),
        ])
    func invalid(head: PartHead) {
        #expect(errorCode { () throws(MultipartError) in _ = try encoder.opening(of: head) } == .invalidField)
        #expect(errorCode { () throws(MultipartError) in _ = try encoder.framingLength(of: head) } == .invalidField)
    }

    @Test("each encoder has a new boundary unless one is given") func newBoundary() {
        #expect(MultipartEncoder() != MultipartEncoder())
    }
}
