/// Recognizes file formats that are already compressed, which are not worth compressing again.
public enum CompressedFormat {
    /// The number of bytes at the start of a file that ``isRecognized(_:)`` examines.
    public static let signatureLength = 12

    /// Whether a file that begins with these bytes is an archive, image, audio or video in a common compressed format.
    /// If it is not recognized, it may be compressed all the same.
    public static func isRecognized(_ start: some Sequence<UInt8>) -> Bool {
        let start = Array(start.prefix(signatureLength))
        if signatures.contains(where: { start.starts(with: $0) }) { return true }
        // Two kinds of containers have their type after a length: ISO BMFF (ISO/IEC 14496-12), which is MP4, MOV, HEIC
        // or AVIF, and RIFF, of which only WebP counts here.
        let kind = start.dropFirst(4)
        return kind.starts(with: "ftyp".utf8)
            || start.starts(with: "RIFF".utf8) && kind.dropFirst(4) == Array("WEBP".utf8)[...]
    }

    private static let signatures: [[UInt8]] = [
        [0x1F, 0x8B],  // gzip
        [0x1F, 0x9D],  // compress
        Array("BZh".utf8),  // bzip2
        [0xFD] + Array("7zXZ".utf8) + [0],  // xz
        [0x28, 0xB5, 0x2F, 0xFD],  // Zstandard
        [0x04, 0x22, 0x4D, 0x18],  // LZ4
        Array("LZIP".utf8),
        Array("PK".utf8) + [3, 4],  // ZIP, also docx, epub and jar
        [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C],  // 7z
        Array("Rar!".utf8),
        [0x89] + Array("PNG".utf8),
        [0xFF, 0xD8, 0xFF],  // JPEG
        Array("GIF8".utf8),
        Array("OggS".utf8),
        Array("fLaC".utf8),
        Array("ID3".utf8), [0xFF, 0xFB],  // MP3
        [0xFF, 0xF1],  // AAC
        [0x1A, 0x45, 0xDF, 0xA3],  // Matroska, WebM
        Array("wOFF".utf8), Array("wOF2".utf8),
    ]
}
