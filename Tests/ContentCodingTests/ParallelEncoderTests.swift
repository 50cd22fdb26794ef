import ContentCoding
import TestSupport
import Testing

@Suite("Parallel encoder")
struct ParallelEncoderTests {
    @Test(
        "the stream is the same for any number of workers, order of jobs and buffer size",
        arguments: Coding.allCases, contents
    )
    func sameStream(coding: Coding, content: Content) async throws {
        let coder = DeflateBlockCoder(coding, level: 6)
        let expected = try await encodeInParallel(content.bytes, coder, workers: 1, executor: .immediate)
        #expect(try decode(expected, coding, room: 1 << 16) == content.bytes)
        for workers in [1, 2, 5] {
            for (executor, bufferSize) in [(Executor.tasks, 70_000), (.lastFirst, 1000), (.tasks, 3)] {
                guard bufferSize > 100 || content.bytes.count < 500_000 else { continue }
                let encoded = try await encodeInParallel(
                    content.bytes, coder, workers: workers, executor: executor, bufferSize: bufferSize,
                    fillSize: bufferSize == 1000 ? 999 : .max)
                #expect(encoded == expected, "\(workers) workers, \(executor), buffers of \(bufferSize)")
            }
        }
    }

    @Test("after a flush everything so far can be decoded; an empty block adds nothing", arguments: Coding.allCases)
    func flush(coding: Coding) throws {
        let jobs = Jobs(.immediate)
        var encoder = ParallelEncoder(DeflateBlockCoder(coding), workers: 2, execute: jobs.execute, onEncoded: {})
        var decoder = ContentDecoder(coding)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var content: [UInt8] = []
        func pass(_ encoder: inout ParallelEncoder<DeflateBlockCoder>, _ decoder: inout ContentDecoder) throws {
            let count = buffer.withUnsafeMutableBytes { encoder.read(into: $0) }
            content += try decoder.decode(Array(buffer[..<count]))
        }
        var expected: [UInt8] = []
        for number in 0..<50 {
            let piece = Array("piece \(number);".utf8)
            expected += piece
            let outcome = encoder.fill { room in
                room.copyBytes(from: piece)
                return piece.count
            }
            var drained = [encoder.isDrained]
            encoder.flush()
            try pass(&encoder, &decoder)
            drained.append(encoder.isDrained)
            encoder.appendEmptyBlock()
            drained.append(encoder.isDrained)
            try pass(&encoder, &decoder)
            drained.append(encoder.isDrained)
            #expect(outcome == .filled && content == expected)
            #expect(drained == [false, true, false, true])
        }
        encoder.finish()
        let wasAtEnd = encoder.isAtEnd
        try pass(&encoder, &decoder)
        let isAtEnd = encoder.isAtEnd
        try decoder.finish()
        #expect(content == expected && !wasAtEnd && isAtEnd)
    }

    @Test("after releasing its memory while idle, the encoder accepts as many blocks as before") func idle() throws {
        let jobs = Jobs(.immediate)
        var encoder = ParallelEncoder(DeflateBlockCoder(.gzip), workers: 2, execute: jobs.execute, onEncoded: {})
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var stream: [UInt8] = []
        for _ in 0..<4 {
            let taken = blocksTaken(by: &encoder)
            #expect(taken == 5)
            while case let count = buffer.withUnsafeMutableBytes({ encoder.read(into: $0) }), count > 0 {
                stream += buffer[..<count]
            }
            // With a block that has been begun, and nothing in it.
            _ = encoder.fill { _ in 0 }
            encoder.appendEmptyBlock()
        }
        encoder.finish()
        stream += buffer[..<buffer.withUnsafeMutableBytes { encoder.read(into: $0) }]
        #expect(try Coding.gzip.decode(stream) == [UInt8](repeating: 7, count: 20 * 256 << 10))
    }

    @Test("accepts no more blocks than its limit while nothing is read") func bounded() {
        let jobs = Jobs(.immediate)
        var encoder = ParallelEncoder(DeflateBlockCoder(.gzip), workers: 3, execute: jobs.execute, onEncoded: {})
        let taken = blocksTaken(by: &encoder)
        #expect(taken == 7)
    }

    /// How many full blocks it takes, up to 100.
    private func blocksTaken(by encoder: inout ParallelEncoder<DeflateBlockCoder>) -> Int {
        (0..<100).prefix { _ in
            encoder.fill { $0.initializeMemory(as: UInt8.self, repeating: 7).count } == .filled
        }.count
    }

    @Test("level 0 and, if asked for, incompressible content are stored; other content is not")
    func stored() async throws {
        let random = SeededGenerator.bytes(300_000, case: 0)
        let text = Array((0..<30_000).map { "line \($0)\n" }.joined().utf8)
        let content = text + random + text
        for (level, leaves) in [(0, false), (6, false), (6, true)] {
            let coder = DeflateBlockCoder(.gzip, level: level, storesIncompressible: leaves)
            let encoded = try await encodeInParallel(content, coder, workers: 2, executor: .tasks)
            #expect(try decode(encoded, .gzip, room: 1 << 16) == content)
            if level == 0 {
                #expect(encoded.count > content.count && encoded.count < content.count + 200)
            } else {
                #expect(encoded.count < random.count + text.count * 2 / 3)
            }
        }
        let marked = try await encodeInParallel(
            text, DeflateBlockCoder(.gzip, storesIncompressible: true), workers: 2, executor: .tasks, isCompressed: true
        )
        #expect(marked.count > text.count)
        #expect(try decode(marked, .gzip, room: 1 << 16) == text)
    }

    @Test("no job is left when the encoder is released") func cancelled() async throws {
        let jobs = Jobs(.held)
        do {
            var encoder = ParallelEncoder(DeflateBlockCoder(.gzip), workers: 1, execute: jobs.execute, onEncoded: {})
            while case .filled = encoder.fill({ $0.count }) {}
        }
        // One block had been given to the executor; the others are forgotten.
        #expect(jobs.runAll() == 1)
    }

    static let contents: [Content] =
        [0, 1, 100, 65_535, 262_143, 262_144, 262_145, 524_288, 524_289].map { Content("text of \($0)", bottles($0)) }
        + [
            Content("text of 2,000,000", bottles(2_000_000)),
            Content("zeros", [UInt8](repeating: 0, count: 1_000_000)),
            Content("noise", SeededGenerator.bytes(700_001, case: 0)),
        ]

    struct Content: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]

        init(_ name: String, _ bytes: [UInt8]) {
            testDescription = name
            self.bytes = bytes
        }
    }
}
