import Testing

@testable import Multipart

@Suite("Field values with parameters", .timeLimit(.minutes(3)))
struct ParameterizedValueTests {
    /// `value|name=value|…`, or nil.
    private func read(_ text: String) -> String? {
        ParameterizedValue(parsing: Array(text.utf8)).map { parsed in
            let parameters = parsed.parameters.map { name, value in
                String(decoding: name, as: UTF8.self) + "=" + String(decoding: value, as: UTF8.self)
            }
            return ([String(decoding: parsed.value, as: UTF8.self)] + parameters).joined(separator: "|")
        }
    }

    @Test(
        "a value and its parameters are read",
        arguments: [
            ("", ""), (" a ", "a"), ("a;", "a"), (";", ""), (";;;", ""), ("a; b", "a"), ("a; b=", "a|b="),
            ("a;b=c", "a|b=c"), ("a ; b = c ; d=e", "a|b=c|d=e"), ("a; b=c d ", "a|b=c d"),
            ("a; b=\"c\"", "a|b=c"), ("a; b=\"\"", "a|b="), ("a; b=\"c;d=e\"; f=g", "a|b=c;d=e|f=g"),
            ("a; b=\"c\" ; d=e", "a|b=c|d=e"), ("a; b=\" c \"", "a|b= c "), ("a; =b", "a|=b"), ("a; b=c=d", "a|b=c=d"),
        ])
    func parameters(text: String, expected: String) {
        #expect(read(text) == expected)
    }

    @Test(
        "an unclosed quoted value is refused",
        arguments: ["a; b=\"", "a; b=\"c", "a; b=\"c\"d", "a; b=\"c\"; d=\"", "a; b=\"c\"\"d\""])
    func unclosed(text: String) {
        #expect(read(text) == nil)
    }

    @Test(
        "a backslash is read both as an escape and as itself",
        arguments: [
            (#"a; b="c\"d"; e="f""#, #"a|b=c"d|e=f"#),
            (#"a; b="c\\d""#, #"a|b=c\d"#),
            (#"a; b="c\\"; d=e"#, #"a|b=c\|d=e"#),
            // A backslash that escapes nothing is itself.
            (#"a; b="C:\dir\x.txt""#, #"a|b=C:\dir\x.txt"#),
            // A value that ends with a backslash that escapes nothing.
            (#"a; b="c\""#, #"a|b=c\"#),
            (#"a; b="c\"; d="e""#, #"a|b=c\|d=e"#),
            (#"a; b="c\"; d="e\""#, #"a|b=c\|d=e\"#),
            // A semicolon after it, at which an escaping client would have begun a parameter.
            (#"a; b="c\"; d=";e""#, #"a|b=c\|d=;e"#), (#"a; b="c\"; d=";e=f""#, #"a|b=c\|d=;e=f"#),
            (#"a; b="c\"; d=";e=""#, #"a|b=c\|d=;e="#), (#"a; b="c\"; d=";""#, #"a|b=c\|d=;"#),
        ])
    func backslashes(text: String, expected: String) {
        #expect(read(text) == expected)
    }

    @Test("an escaped quote cannot add a parameter") func escapedQuotes() {
        #expect(read(#"form-data; name="a\"; filename=\"b"; x=y"#) == #"form-data|name=a"; filename="b|x=y"#)
    }

    @Test("parameters are found in any case; the first one counts") func lookUp() throws {
        let value = try #require(ParameterizedValue(parsing: Array("Form-Data; NAME=a; name=b".utf8)))
        #expect(value.isNamed("form-data"))
        #expect(!value.isNamed("form-dat"))
        #expect(value["Name"] == Array("a".utf8))
        #expect(value["filename"] == nil)
    }
}
