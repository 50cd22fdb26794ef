import Testing

@testable import server

@Suite("Lines of the log")
struct LogLineTests {
    @Test(
        "control and format characters are escaped",
        arguments: [
            ("", ""), ("a b", "a b"), ("a\nb\r\u{0}", #"a\nb\r\0"#), ("\u{1B}[31m", #"\u{1B}[31m"#),
            ("é\u{2028}\u{202E}\u{200F}x", #"é\u{2028}\u{202E}\u{200F}x"#), ("\u{85}\u{7F}", #"\u{0085}\u{7F}"#),
            ("a\"b", "a\"b"),
        ])
    func escaping(text: String, expected: String) {
        var line = LogLine()
        line.append(escaping: text)
        #expect(String(decoding: line.bytes, as: UTF8.self) == expected)
    }

    @Test("quotation marks are escaped within quoted text") func quotationMarks() {
        var line = LogLine()
        line.append(escaping: "a \"b\" \n", isQuoted: true)
        #expect(String(decoding: line.bytes, as: UTF8.self) == #"a \"b\" \n"#)
    }
}
