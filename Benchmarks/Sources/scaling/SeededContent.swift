import HTTPStreaming

/// Bytes that follow from a seed, so that no file is needed: any range of them can be computed by itself.
struct SeededContent: Sendable {
    let name: String
    let size: Int
    private let seed: UInt64

    init(_ index: Int, size: Int, seed: UInt64) {
        name = "upload-\(seed)-\(index).bin"
        self.size = size
        self.seed = Self.mixed(seed &* 1_000_003 &+ UInt64(index))
    }

    /// To be sent; can be read more than once.
    var content: Content { .stream(length: Int64(size)) { [self] in Chunks(content: self) } }

    private struct Chunks: AsyncSequence, Sendable {
        struct AsyncIterator: AsyncIteratorProtocol {
            let content: SeededContent
            var offset = 0

            mutating func next() async -> [UInt8]? {
                let end = Swift.min(offset + (128 << 10), content.size)
                guard offset < end else { return nil }
                defer { offset = end }
                return content.bytes(offset..<end)
            }
        }

        let content: SeededContent

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(content: content) }
    }

    /// The bytes of a range.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        let first = range.lowerBound / 8 * 8
        let count = (range.upperBound - first + 7) / 8
        let bytes = [UInt8](unsafeUninitializedCapacity: count * 8) { buffer, initialized in
            let words = UnsafeMutableRawBufferPointer(buffer)
            for index in 0..<count {
                let word = Self.mixed(seed &+ UInt64(first / 8 + index))
                words.storeBytes(of: word.littleEndian, toByteOffset: index * 8, as: UInt64.self)
            }
            initialized = count * 8
        }
        if first == range.lowerBound && bytes.count == range.count { return bytes }
        return Array(bytes[(range.lowerBound - first)..<(range.upperBound - first)])
    }

    /// SplitMix64: every bit of the result depends on every bit of the number. <https://prng.di.unimi.it/splitmix64.c>
    private static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = number &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
