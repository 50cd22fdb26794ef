/// Formats whose content is compressed already, told by what a file begins with rather than by its
/// name, which anyone may have chosen.
enum CompressedFormat {
    /// How many bytes decide.
    static let prefixLength = 12

    private static let signatures: [[UInt8]] = [
        [0x1F, 0x8B],  // gzip
        [0x28, 0xB5, 0x2F, 0xFD],  // Zstandard
        [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00],  // xz
        Array("BZh".utf8),
        [0x04, 0x22, 0x4D, 0x18],  // LZ4
        Array("LZIP".utf8),
        [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C],  // 7z
        Array("PK\u{3}\u{4}".utf8),  // ZIP, and the documents that are one
        Array("Rar!".utf8),
        [0xFF, 0xD8, 0xFF],  // JPEG
        [0x89, 0x50, 0x4E, 0x47],  // PNG
        Array("GIF8".utf8),
        [0x1A, 0x45, 0xDF, 0xA3],  // Matroska, WebM
        Array("OggS".utf8), Array("fLaC".utf8), Array("ID3".utf8), [0xFF, 0xFB], [0xFF, 0xF1],  // MP3, AAC
        Array("wOFF".utf8), Array("wOF2".utf8),
    ]

    /// - Parameter start: the first ``prefixLength`` bytes of a file, or all that it has.
    static func matches(_ start: some Collection<UInt8>) -> Bool {
        if signatures.contains(where: start.starts(with:)) { return true }
        // A length or the like comes first: MP4, QuickTime, HEIF and AVIF; WebP.
        return start.dropFirst(4).starts(with: "ftyp".utf8)
            || start.starts(with: "RIFF".utf8) && start.dropFirst(8).starts(with: "WEBP".utf8)
    }
}
