import ContentCoding
import Testing

@Suite("Compressed formats")
struct CompressedFormatTests {
    @Test(
        "compressed formats are recognized by their first bytes",
        arguments: [
            [0x1F, 0x8B, 8, 0], [0x28, 0xB5, 0x2F, 0xFD, 0], Array("PK\u{3}\u{4}....".utf8), [0xFF, 0xD8, 0xFF, 0xE0],
            [0x89] + Array("PNG\r\n".utf8), [0, 0, 0, 32] + Array("ftypisom".utf8), Array("RIFF....WEBPVP8 ".utf8),
            [0xFD] + Array("7zXZ".utf8) + [0],
        ] as [[UInt8]])
    func compressed(start: [UInt8]) {
        #expect(CompressedFormat.isRecognized(start))
        #expect(CompressedFormat.isRecognized(start.prefix(CompressedFormat.signatureLength)))
    }

    @Test(
        "other content is not taken for compressed",
        arguments: [
            [], [0x1F], Array("text".utf8), Array("RIFF....WAVEfmt ".utf8), Array("BMP".utf8),
            [0, 0, 0, 0, 0, 0, 0, 0],
            [0xFD] + Array("7zX".utf8),
        ] as [[UInt8]])
    func other(start: [UInt8]) {
        #expect(!CompressedFormat.isRecognized(start))
    }
}
