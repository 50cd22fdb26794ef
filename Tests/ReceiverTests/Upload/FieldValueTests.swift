import Testing

@testable import Receiver

@Suite("Values of fields")
struct FieldValueTests {
    private func value(_ pieces: [some Collection<UInt8>], limit: Int) -> FieldValue {
        var value = FieldValue()
        for piece in pieces { Array(piece).withUnsafeBytes { value.append($0, limit: limit) } }
        return value
    }

    @Test("a value within the limit is kept") func fits() {
        let kept = value(["ab".utf8, "cd".utf8], limit: 4)
        #expect(kept.text == "abcd")
        #expect(!kept.isTruncated)
    }

    @Test(
        "a longer value is cut at a scalar, however it arrives",
        arguments: [(3, "aé"), (2, "a"), (1, "a"), (0, ""), (4, "aé"), (5, "aé"), (6, "aé"), (7, "aé😀")])
    func truncated(limit: Int, expected: String) {
        let kept = value(["aé😀b".utf8], limit: limit)
        #expect(kept.text == expected)
        #expect(kept.isTruncated)
        // The same if the bytes arrive one by one.
        #expect(value("aé😀b".utf8.map { [$0] }, limit: limit) == kept)
    }

    @Test("bytes that are not UTF-8 are kept") func invalidUTF8() {
        var kept = FieldValue()
        [0xFF, 0x61, 0x80, 0x80, 0x80, 0x80, 0x80].withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            kept.append(UnsafeRawBufferPointer(rebasing: bytes[...1]), limit: 2)
        }
        #expect(kept.bytes.count == 2)
    }
}
