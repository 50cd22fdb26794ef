import Platform

@testable import Receiver

/// Whatever a client calls its file, it is stored under a name that is one path component, that clients can list and read,
/// and that adds nothing to a header field or to a page.
enum FileNameCheck {
    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        let text = String(utf8OrLatin1: input)
        for filename in [text, text.percentDecoded] {
            let name = FileName(cleaning: filename)
            for number in [0, 1, .max] {
                let stored = name.numbered(number)
                try checkName(stored)
                if number == 0 {
                    try require(FileName(cleaning: stored).numbered(0) == stored, "\(stored) is cleaned again")
                }
            }
        }
        try checkEscapes(text)
    }

    private static func checkName(_ name: String) throws(Violation) {
        let shown = name.debugDescription
        try require((1...FileName.maximumLength).contains(name.utf8.count), "\(shown) has \(name.utf8.count) bytes")
        try require(FileName.isPublic(name), "\(shown) is hidden, or no component")
        let forbidden = name.unicodeScalars.contains {
            $0 == "/" || $0 == "\\" || $0.properties.generalCategory == .control
        }
        try require(!forbidden, "\(shown) has a separator or a control character")
    }

    private static func checkEscapes(_ text: String) throws(Violation) {
        let encoded = text.percentEncoded
        try require(
            encoded.utf8.allSatisfy { ASCII.isAlphanumeric($0) || "-._~%".utf8.contains($0) }, "encoded as \(encoded)")
        try require(encoded.percentDecoded == text, "\(encoded) is decoded as \(encoded.percentDecoded)")
        let escaped = HTMLText.escaped(text)
        try require(!escaped.utf8.contains { "<>\"".utf8.contains($0) }, "markup in \(escaped)")
    }
}
