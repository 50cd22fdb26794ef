import Testing

@testable import server

/// Of the log. HTTP/2's paths may hold any bytes, and so may what a file is called.
@Suite struct LineTests {
    @Test(
        arguments: [
            ("", ""), ("a b", "a b"), ("a\nb\r\u{0}", #"a\nb\r\0"#), ("\u{1B}[31m", #"\u{1B}[31m"#),
            ("é\u{2028}\u{202E}\u{200F}x", #"é\u{2028}\u{202E}\u{200F}x"#), ("\u{85}\u{7F}", #"\u{0085}\u{7F}"#),
            ("a\"b", "a\"b"),
        ])
    func whatAClientMadeUpStaysInItsLine(text: String, expected: String) {
        var line = Line()
        line.text(text)
        #expect(String(decoding: line.bytes, as: UTF8.self) == expected)
    }

    @Test func quotationMarksAreEscapedBetweenQuotationMarks() {
        var line = Line()
        line.text("a \"b\" \n", isQuoted: true)
        #expect(String(decoding: line.bytes, as: UTF8.self) == #"a \"b\" \n"#)
    }
}
