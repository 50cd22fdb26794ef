import TestSupport
import Testing

@testable import Receiver

@Suite("Names of stored files")
struct FileNameTests {
    @Test(
        "a name is one path component without control characters",
        arguments: [
            ("book.txt", "book.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.doc", "y.doc"),
            ("/etc/", "unnamed"),
            ("a/b\\c", "c"),
            ("", "unnamed"), (".", "unnamed"), ("..", "unnamed"), ("x/..", "unnamed"),
            ("a\0b.txt", "ab.txt"),
            ("a\r\n\t\u{7F}\u{85}b", "ab"),
            ("\0", "unnamed"),
            (".\0.", "unnamed"),
            (".bashrc", "_.bashrc"), (".env", "_.env"), ("x/.htaccess", "_.htaccess"), ("...", "_..."),
            ("\0.env", "_.env"), ("_.env", "_.env"), (" .env", " .env"),
            ("Übergröße 😀 \"x\".txt", "Übergröße 😀 \"x\".txt"),
            // The separator and the accent are one character, which does not equal "/".
            ("up/\u{301}x", "\u{301}x"),
            ("x\\\u{301}..", "\u{301}.."),
            (".http-streaming-abc", "_.http-streaming-abc"),
            ("x/.http-\0streaming-", "_.http-streaming-"),
        ])
    func cleaning(filename: String, expected: String) {
        #expect(FileName(cleaning: filename).numbered(0) == expected)
    }

    @Test("cleaning takes linear time, also of a name as long as a header", arguments: ["n", "\0", "é", "/", "."])
    func linearTime(filler: String) {
        let ratio = timeRatio(small: 2_000) { count in
            _ = FileName(cleaning: String(repeating: filler, count: count)).numbered(1)
        }
        #expect(ratio < linearTimeRatio)
    }

    @Test(
        "the number stands before the extension",
        arguments: [
            ("book.txt", "book (1).txt"),
            ("noextension", "noextension (1)"),
            (".bashrc", "_.bashrc (1)"),
            (".config.json", "_.config (1).json"),
            ("a.tar.gz", "a (1).tar.gz"),
            ("a.b.TAR.xz", "a.b (1).TAR.xz"),
            (".tar.gz", "_.tar (1).gz"),
            ("a.tar", "a (1).tar"),
            ("dot.", "dot. (1)"),
            // The final dot begins no extension.
            ("...", "_... (1)"),
        ])
    func numbering(filename: String, expected: String) {
        #expect(FileName(cleaning: filename).numbered(1) == expected)
    }

    @Test("long names are shortened before the extension") func longNames() {
        let name = FileName(cleaning: String(repeating: "ä", count: 200) + ".tar.gz")
        let plain = name.numbered(0)
        #expect(plain.utf8.count == 255)
        #expect(plain.hasSuffix("ä.tar.gz"))
        let numbered = name.numbered(12)
        #expect(numbered.utf8.count == 254, "shortened at a scalar boundary")
        #expect(numbered.hasSuffix("ä (12).tar.gz"))
    }

    @Test("a suffix of more than 64 bytes is not an extension") func longExtensions() {
        let name = FileName(cleaning: "a." + String(repeating: "b", count: 300)).numbered(3)
        #expect(name.utf8.count == 255)
        #expect(name.hasSuffix("bbb (3)"))
    }

    @Test("every random name becomes one path component") func random() {
        var generator = SystemRandomNumberGenerator()
        let scalars: [Unicode.Scalar] = ["/", "\\", ".", "\0", "a", "\u{301}", "\n", "é", "😀", " ", "\u{202E}"]
        for _ in 0..<5000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...12) { text.append(scalars.randomElement(using: &generator)!) }
            for number in [0, 1, 100] {
                let name = FileName(cleaning: String(text)).numbered(number)
                #expect((1...255).contains(name.utf8.count))
                #expect(!name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0))
                #expect(FileName.isPublic(name))
            }
        }
    }
}
