import Multipart
import Testing

@Suite(.timeLimit(.minutes(1)))
struct BoundaryTests {
    @Test(arguments: [
        "a", "0", "'()+_,-./:=?", "a b", " a", "----WebKitFormBoundary7MA4YWxkTrZu0gW",
        String(repeating: "x", count: 70),
    ])
    func takesWhatRFC2046Allows(text: String) throws {
        #expect(try Boundary(text).description == text)
    }

    @Test(arguments: [
        "", " ", "a ", "a\"b", "a\\b", "a\r\nb", "é", "a\u{301}", "a\t", "a;b", "a\0",
        String(repeating: "x", count: 71),
    ])
    func refusesEverythingElse(text: String) {
        #expect(errorCode { () throws(MultipartError) in _ = try Boundary(text) } == .invalidBoundary)
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"),
        ("Multipart/Form-Data;BOUNDARY=abc", "abc"),
        ("multipart/form-data ; charset=utf-8 ; Boundary = abc ", "abc"),
        ("multipart/form-data; boundary=\"a b=c:d\"", "a b=c:d"),
        ("multipart/form-data; charset=\"a;boundary=no\"; boundary=yes", "yes"),
        ("multipart/form-data; boundary=a=b", "a=b"),
        ("multipart/form-data; boundary=first; boundary=second", "first"),
        ("multipart/form-data; boundary=----WebKitFormBoundaryABC", "----WebKitFormBoundaryABC"),
    ])
    func readsContentType(field: String, expected: String) throws {
        #expect(try Boundary(contentType: field).description == expected)
    }

    @Test(arguments: [
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
    ])
    func refusesContentType(field: String, expected: MultipartError.Code) {
        #expect(errorCode { () throws(MultipartError) in _ = try Boundary(contentType: field) } == expected)
    }

    @Test(arguments: ["abc", "a b", "a=b", "a:b", "(a)", "a,b", "a/b", "a?b", "'a'+._-", " a"])
    func contentTypeIsReadBack(text: String) throws {
        let boundary = try Boundary(text)
        #expect(try Boundary(contentType: boundary.contentType) == boundary)
    }

    @Test func quotesOnlyWhatIsNoToken() throws {
        #expect(try Boundary("a'+._-b").contentType == "multipart/form-data; boundary=a'+._-b")
        #expect(try Boundary("a b").contentType == "multipart/form-data; boundary=\"a b\"")
        #expect(try Boundary("a=b").contentType == "multipart/form-data; boundary=\"a=b\"")
    }

    /// 28 of 64 letters. Each place takes each letter about 312 times in 20,000 (standard
    /// deviation 17.5): a place with fewer bits of chance would show.
    @Test func randomOnesAreDistinctValidAndSpread() throws {
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
