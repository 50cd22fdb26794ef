import ContentCoding
import Foundation

/// Contents that tests send and ask for, and their codings.
enum Samples {
    static let book: [UInt8] = {
        // Tests/ReceiverTests/Samples.swift → the package.
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try? Data(contentsOf: package.appendingPathComponent("payload/book.txt"))
        return Array(data ?? Data())
    }()

    /// What cannot be compressed: DEFLATE does not look back as far as a block of it goes.
    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let block = (0..<131_072 / 8).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count { bytes += block.prefix(count - bytes.count) }
        return bytes
    }

    /// By name: nothing, one byte, text, around a piece of 64 and 128 KiB, what compresses not at
    /// all and what compresses best.
    static let all: [(name: String, bytes: [UInt8])] =
        [("empty", []), ("one", [7]), ("book", book), ("zeros", [UInt8](repeating: 0, count: 3_000_000))]
        + [65535, 65536, 65537, 131_071, 131_072, 131_073, 1_000_000].map { ("random\($0)", random($0)) }

    /// - Parameter flushAt: where all that came before can be decoded.
    static func encoded(_ content: [UInt8], _ coding: Coding, flushAt: Int? = nil) throws -> [UInt8] {
        var encoder = try ContentEncoder(coding)
        var encoded: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        func take(_ bytes: ArraySlice<UInt8>, _ mode: ContentEncoder.Mode) {
            bytes.withUnsafeBytes { bytes in
                var rest = bytes
                while true {
                    let count = buffer.withUnsafeMutableBytes { encoder.encode(&rest, into: $0, mode) }
                    encoded += buffer[..<count]
                    if count < buffer.count { break }
                }
            }
        }
        if let flushAt { take(content[..<flushAt], .flush) }
        take(content[(flushAt ?? 0)...], .finish)
        return encoded
    }
}
