import Testing

@testable import Receiver

@Suite struct FieldValueTests {
    private func value(_ pieces: [String], limit: Int) -> FieldValue {
        var value = FieldValue()
        for piece in pieces { Array(piece.utf8).withUnsafeBytes { value.append($0, limit: limit) } }
        return value
    }

    @Test func whatFitsIsKept() {
        let kept = value(["ab", "cd"], limit: 4)
        #expect(kept.text == "abcd")
        #expect(!kept.isTruncated)
    }

    @Test(arguments: [
        (3, "aé"), (2, "a"), (1, "a"), (0, ""), (4, "aé"), (5, "aé"), (6, "aé"), (7, "aé😀"),
    ])
    func theCutIsAtAScalar(limit: Int, expected: String) {
        let kept = value(["aé😀b"], limit: limit)
        #expect(kept.text == expected)
        #expect(kept.isTruncated)
        // However it comes in pieces.
        let bytes = Array("aé😀b".utf8)
        var dripped = FieldValue()
        for byte in bytes { [byte].withUnsafeBytes { dripped.append($0, limit: limit) } }
        #expect(dripped == kept)
    }

    @Test func whatIsNoUTF8IsKept() {
        var kept = FieldValue()
        [0xFF, 0x61, 0x80, 0x80, 0x80, 0x80, 0x80].withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            kept.append(UnsafeRawBufferPointer(rebasing: bytes[...1]), limit: 2)
        }
        #expect(kept.bytes.count == 2)
    }
}
