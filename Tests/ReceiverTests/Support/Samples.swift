import ContentCoding
import Foundation
import TestSupport

/// Contents that tests upload and download, and their coded forms.
enum Samples {
    static let book = Array((try? Data(contentsOf: packageFile("payload/book.txt"))) ?? Data())

    /// Bytes that cannot be compressed: they repeat after 128 KiB, and DEFLATE looks back only 32 KiB.
    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let block = (0..<131_072 / 8).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count { bytes += block.prefix(count - bytes.count) }
        return bytes
    }

    /// Contents by name: empty, one byte, text, sizes around 64 and 128 KiB, incompressible bytes and zeros.
    static let all: [(name: String, bytes: [UInt8])] =
        [("empty", []), ("one", [7]), ("book", book), ("zeros", [UInt8](repeating: 0, count: 3_000_000))]
        + [65535, 65536, 65537, 131_071, 131_072, 131_073, 1_000_000].map { ("random\($0)", random($0)) }

    /// - Parameter flushAt: the position at which the encoder is flushed, so that the content before it can be decoded.
    static func encoded(_ content: [UInt8], _ coding: Coding, flushAt: Int? = nil) throws -> [UInt8] {
        var encoder = try ContentEncoder(coding)
        let flushed = flushAt.map { encoder.encode(content[..<$0], .flush) } ?? []
        return flushed + encoder.encode(content[(flushAt ?? 0)...], .finish)
    }
}
