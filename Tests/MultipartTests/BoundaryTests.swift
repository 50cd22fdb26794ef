import Multipart
import Testing

@Suite("Boundaries", .timeLimit(.minutes(3)))
struct BoundaryTests {
    @Test(
        "every boundary that RFC 2046 allows is accepted",
        arguments: [
            "a", "0", "'()+_,-./:=?", "a b", " a", "----WebKitFormBoundary7MA4YWxkTrZu0gW",
            String(repeating: "x", count: 70),
        ])
    func valid(text: String) throws {
        #expect(try Boundary(text).description == text)
    }

    @Test(
        "any other boundary is refused",
        arguments: [
            "", " ", "a ", "a\"b", "a\\b", "a\r\nb", "é", "a\u{301}", "a\t", "a;b", "a\0",
            String(repeating: "x", count: 71),
        ])
    func invalid(text: String) {
        #expect(errorCode { () throws(MultipartError) in _ = try Boundary(text) } == .invalidBoundary)
    }

    @Test(
        "the boundary is read from a Content-Type",
        arguments: [
            ("multipart/form-data; boundary=abc", "abc"),
            ("Multipart/Form-Data;BOUNDARY=abc", "abc"),
            ("multipart/form-data ; charset=utf-8 ; Boundary = abc ", "abc"),
            ("multipart/form-data; boundary=\"a b=c:d\"", "a b=c:d"),
            ("multipart/form-data; charset=\"a;boundary=no\"; boundary=yes", "yes"),
            ("multipart/form-data; boundary=a=b", "a=b"),
            ("multipart/form-data;boundary=*****", "*****"),
            ("multipart/form-data; boundary=\"a;b\"; charset=utf-8", "a;b"),
            ("multipart/form-data; boundary=\"a\\\\b\"", "a\\b"), ("multipart/form-data; boundary=\"a\\b\"", "a\\b"),
            ("multipart/form-data; boundary=----WebKitFormBoundaryABC", "----WebKitFormBoundaryABC"),
        ])
    func contentType(field: String, expected: String) throws {
        #expect(try Boundary(contentType: field).description == expected)
    }

    @Test(
        "a Content-Type without a valid boundary is refused with the reason",
        arguments: [
            ("", MultipartError.Code.notMultipart),
            ("text/plain; boundary=a", .notMultipart),
            ("multipart/mixed; boundary=a", .notMultipart),
            ("multipart/form-data-ish; boundary=a", .notMultipart),
            ("multipart/form-data; boundary=\"a", .notMultipart),
            ("multipart/form-data", .missingBoundary),
            ("multipart/form-data;", .missingBoundary),
            ("multipart/form-data; boundary", .missingBoundary),
            ("multipart/form-data; xboundary=a", .missingBoundary),
            ("multipart/form-data; boundary=", .invalidBoundary),
            ("multipart/form-data; boundary=\"\"", .invalidBoundary),
            ("multipart/form-data; boundary=\"a \"", .invalidBoundary),
            ("multipart/form-data; boundary=\"a\\\"b\"", .invalidBoundary),
            ("multipart/form-data; boundary=é", .invalidBoundary),
            ("multipart/form-data; boundary=a\"b", .invalidBoundary),
            ("multipart/form-data; boundary=;b", .invalidBoundary),
            ("multipart/form-data; boundary=a\u{7F}", .invalidBoundary),
            ("multipart/form-data; boundary=a\tb", .invalidBoundary),
            ("multipart/form-data; boundary=" + String(repeating: "x", count: 71), .invalidBoundary),
            ("multipart/form-data; boundary=a; Boundary=a", .invalidBoundary),
        ])
    func invalidContentType(field: String, expected: MultipartError.Code) {
        #expect(errorCode { () throws(MultipartError) in _ = try Boundary(contentType: field) } == expected)
    }

    @Test(
        "a boundary survives writing and reading a Content-Type",
        arguments: ["abc", "a b", "a=b", "a:b", "(a)", "a,b", "a/b", "a?b", "'a'+._-", " a"])
    func roundTrip(text: String) throws {
        let boundary = try Boundary(text)
        #expect(try Boundary(contentType: boundary.contentType) == boundary)
    }

    @Test(
        "a received boundary may have any visible character but a quotation mark, and is not sent",
        arguments: (0x21...0x7E).filter { $0 != 0x22 })
    func anyCharacter(byte: UInt8) async throws {
        let character = String(Unicode.Scalar(byte))
        for text in [character, "a\(character)b", String(repeating: character, count: 70)] {
            // A semicolon ends a value without quotation marks.
            for value in character == ";" ? ["\"\(text)\""] : [text, "\"\(text.replacing("\\", with: "\\\\"))\""] {
                let boundary = try Boundary(contentType: "multipart/form-data; boundary=\(value)")
                #expect(boundary.description == text)
                #expect(try Boundary(contentType: boundary.contentType) == boundary)
                let opening = "--\(text)\r\nContent-Disposition: form-data; name=n\r\n\r\n"
                let outcome = await ParserHarness(boundary: boundary).parse("\(opening)x\r\n--\(text)!\r\n--\(text)--")
                #expect(outcome.contents == ["x\r\n--\(text)!"] && outcome.error == nil)
                let mayBeSent = errorCode { () throws(MultipartError) in _ = try Boundary(text) } == nil
                let refusal = errorCode { () throws(MultipartError) in
                    _ = try MultipartEncoder(boundary: boundary).opening(of: PartHead(name: "n"))
                }
                #expect(refusal == (mayBeSent ? nil : .invalidBoundary))
            }
        }
    }

    @Test("a boundary is quoted only when it is not a token") func quoting() throws {
        #expect(try Boundary("a'+._-b").contentType == "multipart/form-data; boundary=a'+._-b")
        #expect(try Boundary("a b").contentType == "multipart/form-data; boundary=\"a b\"")
        #expect(try Boundary("a=b").contentType == "multipart/form-data; boundary=\"a=b\"")
    }

    /// 28 of 64 letters. Each place takes each letter about 312 times in 20,000 (standard
    /// deviation 17.5): a place with fewer random bits would be detected.
    @Test("random boundaries are valid, distinct and use all letters evenly") func random() throws {
        let boundaries = (0..<20_000).map { _ in Boundary.random() }
        #expect(Set(boundaries).count == boundaries.count)
        var counts = [[UInt8: Int]](repeating: [:], count: 28)
        for boundary in boundaries {
            let text = boundary.description
            #expect(text.utf8.count == 28)
            #expect(throws: Never.self) { try Boundary(text) }
            for (place, letter) in text.utf8.enumerated() { counts[place][letter, default: 0] += 1 }
        }
        #expect(counts.allSatisfy { $0.count == 64 })
        #expect(counts.flatMap(\.values).allSatisfy { (150...500).contains($0) })
    }
}
