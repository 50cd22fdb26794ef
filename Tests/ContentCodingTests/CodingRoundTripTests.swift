import ContentCoding
import TestSupport
import Testing

@Suite("Content coding round trips", .timeLimit(.minutes(2)))
struct CodingRoundTripTests {
    private static let sizes = [0, 1, 2, 100, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 300_000]

    @Test("content survives with output buffers of any size", arguments: Coding.allCases, Sample.allCases)
    func kinds(coding: Coding, sample: Sample) throws {
        for size in Self.sizes {
            let content = sample.bytes(size)
            for room in [1, 7, 63, 64, 65, 4096, 1 << 20] where room > 7 || size <= 100 {
                let encoded = try encode(content, coding, room: room)
                if sample != .random, size > 1000 { #expect(encoded.count < size / 3) }
                #expect(try decode(encoded, coding, room: room) == content, "\(size) bytes, room \(room)")
            }
            let exact = try encode(content, coding)
            #expect(try decode(exact, coding, room: max(size, 1)) == content)
            #expect(try decode(exact, coding, room: size + 1) == content)
        }
    }

    @Test("coded data may be cut at any byte", arguments: Coding.allCases) func splits(coding: Coding) throws {
        for content in [[], [7], Sample.text.bytes(3000), Sample.random.bytes(300)] {
            let data = try encode(content, coding)
            for split in 0...data.count {
                #expect(try decode(data, coding, splits: [split], room: 97) == content, "split at \(split)")
            }
            #expect(try decode(data, coding, splits: Array(0...data.count), room: 1) == content)
        }
    }

    @Test("random content survives in random pieces and through random buffers") func random() throws {
        print("CodingRoundTripTests: TEST_SEED=\(SeededGenerator.seed)")
        for number in 0..<500 {
            var generator = SeededGenerator(case: number)
            let coding = generator.pick(Coding.allCases)
            var content: [UInt8] = []
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let count = Int.random(in: 0...generator.pick([1, 300, 9000]), using: &generator)
                content += generator.pick(Sample.allCases).bytes(count)
            }
            var encoder = try ContentEncoder(coding, level: Int.random(in: 0...9, using: &generator))
            var data: [UInt8] = []
            for piece in pieces(content, &generator) {
                let mode: ContentEncoder.Mode = generator.oneIn(4) ? .flush : .more
                data += encoder.encode(piece, mode, room: generator.pick([1, 5, 64, 100, 5000]))
            }
            data += encoder.encode([], .finish, room: generator.pick([1, 5, 64, 100, 5000]))

            var decoder = ContentDecoder(coding)
            var decoded: [UInt8] = []
            for piece in pieces(data, &generator) {
                decoded += try decoder.decode(piece, room: generator.pick([1, 5, 64, 100, 5000]))
            }
            try decoder.finish()
            try #require(decoded == content, "case \(number), seed \(SeededGenerator.seed)")
        }
    }

    private func pieces(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 0...generator.pick([1, 20, 2000, 40_000]), using: &generator)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    /// zlib counts in 32 bits, and is given 1 GiB at a time.
    @Test("more than 1 GiB in one piece survives") func huge() throws {
        let size = (1 << 30) + 12_345
        // Zero pages are never touched and take no memory.
        let content = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1 << 16)
        defer { content.deallocate() }
        content.initializeMemory(as: UInt8.self, repeating: 0)
        content[size - 1] = 1
        var encoder = try ContentEncoder(.gzip, level: 1)
        var data = [UInt8](repeating: 0, count: 8 << 20)
        var rest = UnsafeRawBufferPointer(content)
        let count = data.withUnsafeMutableBytes { encoder.encode(&rest, into: $0, .finish) }
        #expect(rest.isEmpty && count < data.count)

        var decoder = ContentDecoder(.gzip)
        content[size - 1] = 0
        let (decoded, more) = try data.withUnsafeBytes { bytes in
            var rest = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            let decoded = try decoder.decode(&rest, into: content)
            return (
                decoded,
                try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) {
                    try decoder.decode(&rest, into: $0)
                }
            )
        }
        #expect(decoded == size && more == 0 && decoder.bytesRead == count)
        #expect(content[0] == 0 && content[size - 1] == 1)
        try decoder.finish()
    }
}
