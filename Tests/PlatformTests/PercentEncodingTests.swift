import TestSupport
import Testing

@testable import Platform

@Suite("Percent-encoding")
struct PercentEncodingTests {
    @Test(
        "valid sequences are decoded, others are kept",
        arguments: [
            ("", ""), ("a", "a"), ("a%20b", "a b"), ("%C3%a9", "é"), ("%", "%"), ("%2", "%2"), ("%zz", "%zz"),
            ("%%41", "%A"),
            ("a+b", "a+b"), ("%FF", "ÿ"), ("%C3%A9%E9", "Ã©é"), ("%00", "\0"), ("é", "é"),
        ])
    func decoding(text: String, expected: String) {
        #expect(text.percentDecoded == expected)
    }

    @Test(
        "all but unreserved characters are encoded",
        arguments: [
            ("", ""), ("aZ09-._~", "aZ09-._~"), ("a b/é", "a%20b%2F%C3%A9"), ("100%", "100%25"), ("\n", "%0A"),
            ("(1)", "%281%29"),
        ])
    func encoding(text: String, expected: String) {
        #expect(text.percentEncoded == expected)
        #expect(expected.percentDecoded == text)
    }

    @Test("bytes that are not ASCII are encoded one by one, and nothing else") func nonASCII() {
        #expect(PercentEncoding.encodedNonASCII(Array("/a b%/é".utf8) + [0xFF, 0x80]) == "/a b%/%C3%A9%FF%80")
    }

    @Test("encoding and decoding take linear time", arguments: ["a", "/", "%41", "%FF", "é", "%"])
    func linearTime(filler: String) {
        let ratio = timeRatio(small: 1_000) { count in
            let text = String(repeating: filler, count: count)
            _ = (text.percentEncoded, text.percentDecoded, PercentEncoding.encodedNonASCII(text.utf8))
        }
        #expect(ratio < linearTimeRatio)
    }
}
