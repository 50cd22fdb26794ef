import Platform
import Testing

@testable import Multipart

@Suite("Part heads", .timeLimit(.minutes(1)))
struct PartHeadTests {
    private func read(_ lines: String...) throws(MultipartError) -> PartHead {
        try PartHead(parsing: lines.flatMap { Array($0.utf8) + [ASCII.cr, ASCII.lf] }[...])
    }

    @Test("name, filename, content type and other fields are read") func all() throws {
        let head = try read(
            "X-One: 1", "content-TYPE:text/plain; charset=utf-8", "CONTENT-disposition: Form-Data; filename=f; name=n",
            "X-Two:", "Content-Type: image/png"
        )
        let others = [("X-One", "1"), ("X-Two", ""), ("Content-Type", "image/png")].map(HeaderField.init)
        #expect(
            head == PartHead(name: "n", filename: "f", contentType: "text/plain; charset=utf-8", otherFields: others)
        )
    }

    @Test("continued lines are joined") func continuedLines() throws {
        let head = try read(
            "Content-Disposition: form-data;", "\t name=\"a\";  ", "  filename=\"b\"", "X: 1", " ", " 2")
        #expect(
            head == PartHead(name: "a", filename: "b", otherFields: [HeaderField(name: "X", value: "1  2")])
        )
    }

    @Test(
        "only the escapes of the WHATWG standard are undone",
        arguments: [
            ("%22", "\""), ("%0D%0A%0d%0a", "\r\n\r\n"), ("100%", "100%"), ("%2", "%2"), ("%", "%"), ("%%22", "%\""),
            ("%20%2F%00%41", "%20%2F%00%41"), ("a+b", "a+b"), ("", ""), ("é日", "é日"),
        ])
    func escapes(written: String, expected: String) throws {
        let head = try read("Content-Disposition: form-data; name=\"\(written)\"; filename=\"\(written)\"")
        #expect(head.name == expected)
        #expect(head.filename == expected)
    }

    @Test("bytes that are not UTF-8 are read as ISO 8859-1, in names and in values") func notUTF8() throws {
        let text = "Content-Disposition: form-data; name=\"?\"; filename=\"?\"\r\nContent-Type: ?\r\nX-Y: ?\r\n"
        let bytes: [UInt8] = [0xE9, 0xFF, 0xC3]
        let block = Array(text.utf8.split(separator: UInt8(ascii: "?")).joined(separator: bytes))
        let head = try PartHead(parsing: block[...])
        let texts = [head.name, head.filename, head.contentType, head.otherFields.first?.value]
        #expect(texts == Array(repeating: "éÿÃ", count: 4))
        #expect(head.filenameBytes == bytes)
    }

    @Test(
        "an extended filename is read unless a plain one is given",
        arguments: [
            ("filename*=UTF-8''na%C3%AFve%20%22x%22.txt", "naïve \"x\".txt"),
            ("filename*=utf-8'en'a'b", "a'b"),
            ("filename=\"plain\"; filename*=UTF-8''extended", "plain"),
            ("filename*=UTF-8''extended; filename=\"plain\"", "plain"),
            ("filename*=iso-8859-1''%E9", nil), ("filename*=plain", nil), ("filename*=", nil), ("x=y", nil),
        ])
    func extendedFilename(parameter: String, expected: String?) throws {
        #expect(try read("Content-Disposition: form-data; name=n; \(parameter)").filename == expected)
    }

    @Test("an extended name is read unless a plain one is given") func extendedName() throws {
        #expect(try read("Content-Disposition: form-data; name*=utf-8''n%C3%A9e").name == "née")
        #expect(try read("Content-Disposition: form-data; name*=utf-8''a; name=b").name == "b")
    }

    @Test(
        "malformed lines are refused with the reason",
        arguments: [
            ("X: y", MultipartError.Code.missingContentDisposition),
            ("Content-Disposition: form-data", .malformedContentDisposition),
            ("Content-Disposition: form-data; filename=x", .malformedContentDisposition),
            ("Content-Disposition: form-data; name*=latin-1''x", .malformedContentDisposition),
            ("Content-Disposition: attachment; name=x", .malformedContentDisposition),
            ("Content-Disposition: form-data; name=\"x", .malformedContentDisposition),
            (
                "Content-Disposition: form-data; name=x\r\nContent-Disposition: form-data; name=y",
                .malformedContentDisposition
            ),
            ("Content-Disposition", .malformedHeaderLine),
            (": x", .malformedHeaderLine),
            ("Content-Disposition : form-data; name=x", .malformedHeaderLine),
            (" Content-Disposition: form-data; name=x", .malformedHeaderLine),
            ("Näme: x", .malformedHeaderLine),
            ("X: a\rb", .malformedHeaderLine),
            ("X: a\r", .malformedHeaderLine),
            ("X: a\0b", .malformedHeaderLine),
        ])
    func malformed(lines: String, expected: MultipartError.Code) {
        #expect(errorCode { () throws(MultipartError) in _ = try read(lines) } == expected)
    }

    @Test("a head without lines is refused") func noLines() {
        #expect(
            errorCode { () throws(MultipartError) in _ = try PartHead(parsing: []) } == .missingContentDisposition
        )
    }
}
