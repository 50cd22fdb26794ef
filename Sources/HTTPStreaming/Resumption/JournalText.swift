internal import Platform

/// The text of an ``UploadJournal`` or a ``PartialRecord``: lines of words, a keyword and its values, percent-encoded. The last
/// line is the SHA-256 of those before, which shows that the text was truncated or changed by accident; it does not protect it
/// against forgery.
enum JournalText {
    private static let digestWord = "sha-256"

    /// The lines with their digest.
    static func signed(_ lines: [String]) -> String {
        let text = lines.map { $0 + "\n" }.joined()
        return text + line(digestWord, [digest(text)]) + "\n"
    }

    /// The lines of a text whose digest is right, without the first one and the digest.
    static func lines(of text: String, firstLine: String) throws(UploadJournal.Fault) -> ArraySlice<Substring> {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == firstLine[...] else {
            throw UploadJournal.Fault(reason: "it is no journal of this version")
        }
        guard lines.popLast() == "", let last = lines.popLast(),
            last == line(digestWord, [digest(lines.map { $0 + "\n" }.joined())])
        else { throw UploadJournal.Fault(reason: "it was truncated or changed") }
        return lines.dropFirst()
    }

    static func line(_ word: String, _ values: [String]) -> String {
        ([word] + values.map { encoded(Array($0.utf8)) }).joined(separator: " ")
    }

    // Characters that stand for nothing else, because they are encoded in values.
    static let none = "!"
    static let empty = "="

    static func encoded(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return empty }
        var text = ""
        for byte in bytes {
            if ASCII.isAlphanumeric(byte) || "-._~/".utf8.contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%" + [byte].hexadecimal
            }
        }
        return text
    }

    static func decoded(_ word: Substring) -> [UInt8] {
        word == empty ? [] : PercentEncoding.decoded(Array(word.utf8)[...])
    }

    static func isNone(_ word: Substring) -> Bool { word == none }

    private static func digest(_ text: String) -> String {
        var digest = MessageDigest(.sha256)
        var text = text
        text.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
        return digest.finish().hexadecimal
    }
}
