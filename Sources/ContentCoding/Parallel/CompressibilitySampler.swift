/// Estimates from samples whether DEFLATE would make a block smaller, in a fraction of the time that compressing it
/// takes.
struct CompressibilitySampler: ~Copyable {
    private static let sampleLength = 4 << 10
    private static let sampleCount = 4

    private var stream: DeflateStream

    init() throws(CodingError) {
        stream = try DeflateStream(.raw, level: 1)
    }

    /// Whether compression saves less than 3 % of the samples, which are spread over the block.
    mutating func findsHardlyCompressible(_ block: UnsafeRawBufferPointer) -> Bool {
        let length = Self.sampleLength
        guard block.count > length * Self.sampleCount else { return isHardlyCompressible([block]) }
        let distance = (block.count - length) / (Self.sampleCount - 1)
        return isHardlyCompressible(
            (0..<Self.sampleCount).map { UnsafeRawBufferPointer(rebasing: block[($0 * distance)...].prefix(length)) }
        )
    }

    private mutating func isHardlyCompressible(_ samples: [UnsafeRawBufferPointer]) -> Bool {
        let total = samples.reduce(0) { $0 + $1.count }
        let limit = total * 97 / 100
        return withUnsafeTemporaryAllocation(byteCount: max(limit, 64), alignment: 1) { output in
            stream.reset()
            var count = 0
            for (index, sample) in samples.enumerated() {
                var rest = sample
                let room = UnsafeMutableRawBufferPointer(rebasing: output[count...])
                guard !room.isEmpty else { break }
                count += stream.deflate(&rest, into: room, index == samples.count - 1 ? .finish : .more)
            }
            return count == output.count
        }
    }
}
