internal import CZlib

/// Encodes blocks of one `gzip` or `deflate` stream. The result is a single gzip member or zlib stream, which every
/// decoder can read.
///
/// Each block may refer to the 32 KiB before it, and ends at a byte boundary with an empty stored block (a sync flush).
/// Therefore blocks can be encoded separately and written in sequence, as pigz does. The result depends only on the
/// content, the division into blocks, and the level.
public struct DeflateBlockCoder: BlockCoder {
    /// The memory of zlib, allocated at first use. If that fails, blocks are stored without compression.
    public final class Worker {
        fileprivate var stream: DeflateStream?
        fileprivate var sampler: CompressibilitySampler?

        fileprivate init() {}
    }

    private let coding: Coding
    private let level: Int
    private let storesIncompressible: Bool

    /// Makes a coder for one stream.
    ///
    /// - Parameters:
    ///   - coding: the coding of the stream.
    ///   - level: 0, no compression, to 9, smallest. Default: 6.
    ///   - storesIncompressible: whether to store blocks without compression if compression of samples saves less than
    ///     3 %. Default: false.
    public init(_ coding: Coding, level: Int = 6, storesIncompressible: Bool = false) {
        precondition((0...9).contains(level), "a level is from 0 to 9")
        self.coding = coding
        self.level = level
        self.storesIncompressible = storesIncompressible
    }

    /// 32 KiB (RFC 1951 §2).
    public var windowLength: Int { 32 << 10 }

    /// The header of the gzip member or zlib stream.
    public var header: [UInt8] {
        switch coding {
        // RFC 1952 §2.3: no name, no time, operating system unknown.
        case .gzip: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
        // RFC 1950 §2.2: a window of 32 KiB, default compression.
        case .deflate: [0x78, 0x9C]
        }
    }

    /// A stored block of length 0 that is not the last one (RFC 1951 §3.2.4).
    public var emptyBlock: [UInt8] { [0, 0, 0, 0xFF, 0xFF] }

    /// 0 for CRC-32, 1 for Adler-32.
    public var emptyChecksum: UInt32 { coding == .gzip ? 0 : 1 }

    /// Makes a worker, which allocates memory at first use.
    public func makeWorker() -> sending Worker { Worker() }

    /// The length of the block if it is stored without compression (RFC 1951 §3.2.4).
    public func maximumLength(ofBlock length: Int) -> Int {
        length + (length + Self.longestStored - 1) / Self.longestStored * Self.storedHeaderLength
    }

    private static let longestStored = 0xFFFF
    private static let storedHeaderLength = 5

    /// Compresses the block, or stores it if compression does not make it smaller.
    public func encode(
        _ block: UnsafeRawBufferPointer, after window: UnsafeRawBufferPointer, isCompressed: Bool,
        with worker: Worker, into output: UnsafeMutableRawBufferPointer
    ) -> (count: Int, checksum: UInt32) {
        let isStored = level == 0 || storesIncompressible && (isCompressed || worker.findsHardlyCompressible(block))
        let deflated = isStored ? nil : worker.deflate(block, after: window, level: level, into: output)
        return (deflated ?? Self.store(block, output), checksum(of: block))
    }

    private static func store(_ block: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        var rest = block[...]
        while !rest.isEmpty {
            let piece = rest.prefix(longestStored)
            let low = UInt8(truncatingIfNeeded: piece.count)
            let high = UInt8(truncatingIfNeeded: piece.count >> 8)
            output[written...].copyBytes(from: [0, low, high, ~low, ~high])
            written += storedHeaderLength
            output[written...].copyBytes(from: piece)
            written += piece.count
            rest = rest.dropFirst(piece.count)
        }
        return written
    }

    private func checksum(of block: UnsafeRawBufferPointer) -> UInt32 {
        let bytes = block.baseAddress?.assumingMemoryBound(to: Bytef.self)
        return switch coding {
        case .gzip: UInt32(truncatingIfNeeded: crc32_z(0, bytes, block.count))
        case .deflate: UInt32(truncatingIfNeeded: adler32_z(1, bytes, block.count))
        }
    }

    /// Combines two checksums with zlib's `crc32_combine` or `adler32_combine`.
    public func combine(_ first: UInt32, _ second: UInt32, secondLength: Int) -> UInt32 {
        switch coding {
        case .gzip: UInt32(truncatingIfNeeded: crc32_combine(uLong(first), uLong(second), secondLength))
        case .deflate: UInt32(truncatingIfNeeded: adler32_combine(uLong(first), uLong(second), secondLength))
        }
    }

    /// The last block, and the trailer of the gzip member or zlib stream.
    public func trailer(_ checksum: UInt32, contentLength: Int64) -> [UInt8] {
        // RFC 1951 §3.2.3: a last block without content, with fixed Huffman codes.
        let lastBlock: [UInt8] = [3, 0]
        return switch coding {
        // RFC 1952 §2.3.1: CRC-32 and length modulo 2³², least significant byte first.
        case .gzip: lastBlock + checksum.bytes + UInt32(truncatingIfNeeded: contentLength).bytes
        // RFC 1950 §2.2: Adler-32, most significant byte first.
        case .deflate: lastBlock + checksum.bytes.reversed()
        }
    }
}

extension DeflateBlockCoder.Worker {
    fileprivate func findsHardlyCompressible(_ block: UnsafeRawBufferPointer) -> Bool {
        if sampler == nil { sampler = try? CompressibilitySampler() }
        return sampler?.findsHardlyCompressible(block) ?? false
    }

    /// Returns nil if there is no memory, or if the result would be as long as a stored block.
    fileprivate func deflate(
        _ block: UnsafeRawBufferPointer, after window: UnsafeRawBufferPointer, level: Int,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        if stream == nil { stream = try? DeflateStream(.raw, level: level) }
        stream?.reset()
        if !window.isEmpty { stream?.setWindow(window) }
        var rest = block
        guard let count = stream?.deflate(&rest, into: output, .flush), count < output.count else { return nil }
        return count
    }
}

extension UInt32 {
    /// Least significant byte first.
    fileprivate var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }
}
