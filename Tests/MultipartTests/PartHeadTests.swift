import Platform
import Testing

@testable import Multipart

@Suite("Part heads", .timeLimit(.minutes(3)))
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
            "Content-Disposition: form-data;", "\t name=\"a\";  ", "  filename=\"b\"", "X: 1", " ", " 2", "\t", "Y:",
            " 3", " ", "Z:", " ")
        #expect(
            head
                == PartHead(
                    name: "a", filename: "b", otherFields: [("X", "1 2"), ("Y", "3"), ("Z", "")].map(HeaderField.init))
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

    @Test(
        "bytes that are not UTF-8 are read as Latin-1",
        arguments: [
            ([0xE9], "é"), ([0x61, 0xF1, 0x7A], "añz"), ([0xC3, 0xA9, 0xE9], "Ã©é"), ([0xC3], "Ã"),
            ([0xFF, 0xFE], "ÿþ"), ([0xED, 0xA0, 0x80], "í\u{A0}\u{80}"),
            ([0xC3, 0xA9], "é"), ([0xEF, 0xBF, 0xBD], "\u{FFFD}"),
        ] as [([UInt8], String)])
    func notUTF8(bytes: [UInt8], expected: String) throws {
        let block = [
            Array("Content-Disposition: form-data; name=\"".utf8), bytes, Array("\"; filename=\"".utf8), bytes,
            Array("\"\r\nContent-Type: ".utf8), bytes, Array("\r\nX: ".utf8), bytes, Array("\r\n".utf8),
        ].joined()
        let head = try PartHead(parsing: Array(block)[...])
        #expect(head.name == expected)
        #expect(head.filename == expected)
        #expect(head.filenameBytes == bytes)
        #expect(head.contentType == expected)
        #expect(head.otherFields == [HeaderField(name: "X", value: expected)])
    }

    @Test(
        "an extended filename is preferred to a plain one",
        arguments: [
            ("filename*=UTF-8''na%C3%AFve%20%22x%22.txt", "naïve \"x\".txt"),
            ("filename*=utf-8'en'a'b", "a'b"),
            ("filename=\"plain\"; filename*=UTF-8''extended", "extended"),
            ("FILENAME*=UTF-8''extended; filename=\"plain\"", "extended"),
            ("filename=\"=?utf-8?B?w7/Dry50eHQ=?=\"; filename*=utf-8''%C3%BF%C3%AF.txt", "ÿï.txt"),
            ("filename*=\"utf-8''a%20b\"", "a b"), ("filename*=utf-8''%E9", "é"), ("filename*=utf-8''", ""),
            ("filename*=ISO-8859-1'fr'%E9%C3%A9", "éÃ©"), ("filename=e; filename*=iso-8859-1''%E9", "é"),
            // An invalid value says nothing.
            ("filename=\"plain\"; filename*=extended", "plain"), ("filename*=; filename=\"plain\"", "plain"),
            ("x=y", nil), ("filenames*=koi8-r''x", nil), ("x*0=y", nil),
        ])
    func extendedFilename(parameter: String, expected: String?) throws {
        #expect(try read("Content-Disposition: form-data; name=n; \(parameter)").filename == expected)
    }

    @Test("an extended name is preferred to a plain one") func extendedName() throws {
        #expect(try read("Content-Disposition: form-data; name*=utf-8''n%C3%A9e").name == "née")
        #expect(try read("Content-Disposition: form-data; name*=utf-8''a; name=b").name == "a")
    }

    @Test(
        "a name that cannot be read is refused: a file without its filename would be a field",
        arguments: [
            ("filename*=koi8-r''%C1", MultipartError.Code.unsupportedParameter),
            ("filename=a; filename*=windows-1252''%93", .unsupportedParameter),
            ("filename*=''a", .unsupportedParameter), ("name*=utf-16''a", .unsupportedParameter),
            ("filename*0=a; filename*1=b", .unsupportedParameter), ("filename*0*=utf-8''a", .unsupportedParameter),
            ("filename=a; FileName*1*=b", .unsupportedParameter), ("name*0=a", .unsupportedParameter),
            ("filename*=a", .malformedContentDisposition), ("filename*=", .malformedContentDisposition),
            ("filename*=utf-8'a", .malformedContentDisposition),
        ])
    func unreadableNames(parameter: String, expected: MultipartError.Code) {
        let lines = "Content-Disposition: form-data; name=n; \(parameter)"
        #expect(errorCode { () throws(MultipartError) in _ = try read(lines) } == expected)
    }

    @Test(
        "malformed lines are refused with the reason",
        arguments: [
            ("X: y", MultipartError.Code.missingContentDisposition),
            ("Content-Disposition: form-data", .malformedContentDisposition),
            ("Content-Disposition: form-data; filename=x", .malformedContentDisposition),
            ("Content-Disposition: form-data; name*=latin-1''x", .unsupportedParameter),
            ("Content-Disposition: attachment; name=x", .malformedContentDisposition),
            ("Content-Disposition: form-data; name=\"x", .malformedContentDisposition),
            ("Content-Disposition: form-data; name=x; NAME=x", .malformedContentDisposition),
            ("Content-Disposition: form-data; name=x; filename=\"a\"; filename=\"b\"", .malformedContentDisposition),
            (
                "Content-Disposition: form-data; name=x; filename*=utf-8''a; filename*=utf-8''b",
                .malformedContentDisposition
            ),
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
