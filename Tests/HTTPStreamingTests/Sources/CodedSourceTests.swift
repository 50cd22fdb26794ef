import ContentCoding
import TestSupport
import Testing

@testable import HTTPStreaming

/// Compressed content read from an offset: the same bytes as when it was read before.
@Suite("CodedSource", .timeLimit(.minutes(2)))
struct CodedSourceTests {
    private let context = ReadContext(priority: .medium, isResumable: true, onContent: {})

    /// Reads a source from an offset to its end, on a thread that may wait for tasks.
    private func read(_ source: any Source, from offset: Int64, buffer: Int = 77_777) async throws -> [UInt8] {
        try await RawConnection.onThread { [context] in try source.reader(at: offset, context).readAll(buffer: buffer) }
    }

    /// Text of two letters, and bytes that cannot be compressed, in pieces of different lengths.
    private func content(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let length = Int.random(in: 1...600_000, using: &generator)
            bytes +=
                generator.oneIn(2) ? generator.bytes(length) : (0..<length / 8).flatMap { _ in Array("abababba".utf8) }
        }
        return bytes
    }

    @Test("from any offset, with any number of workers", arguments: [1, 4]) func offsets(workers: Int) async throws {
        var generator = SeededGenerator(case: workers)
        let plain = MemorySource(bytes: content(11_000_000, &generator), isCompressed: false)
        let settings = CodingSettings(coding: .gzip, level: 1, workers: workers, storesIncompressible: true)
        let source = CodedSource(plain, settings)
        let whole = try await read(source, from: 0, buffer: 100_000)
        #expect(try Coding.gzip.decode(whole) == plain.bytes)
        let checkpoints = try #require(source.log.reproducible)
        #expect(checkpoints.count == 2)
        var offsets: [Int64] = [1, Int64(whole.count)]
        for checkpoint in checkpoints { offsets += [-1, 0, 1].map { checkpoint.codedLength + $0 } }
        for _ in 0..<4 { offsets.append(Int64.random(in: 0...Int64(whole.count), using: &generator)) }
        for offset in offsets {
            let rest = try await read(source, from: offset)
            #expect(
                firstDifference(rest, whole[Int(offset)...]) == nil, "offset \(offset), seed \(SeededGenerator.seed)")
        }
        // Another process knows the checkpoints only.
        let middle = checkpoints[1].codedLength + 1000
        let rest = try await read(CodedSource(plain, settings, checkpoints), from: middle)
        #expect(firstDifference(rest, whole[Int(middle)...]) == nil)
    }

    @Test("blocks that ended where a part was awaited, and empty blocks, are made again") func events() async throws {
        var generator = SeededGenerator(case: 7)
        let form = MultipartSource(isOpenEnded: true, replayBudget: .max)
        let source = CodedSource(form, CodingSettings(coding: .gzip, level: 6))
        let parts = (0..<8).map { _ in (content(400_000, &generator), generator.oneIn(2)) }
        let whole = try await RawConnection.onThread { [context] in
            let reader = try source.reader(at: 0, context)
            var whole: [UInt8] = []
            for (index, (content, isIdle)) in parts.enumerated() {
                try form.add([Part("part", .bytes(content))], isLast: index == 7)
                whole += try reader.readAll(buffer: 50_000)
                guard isIdle, index < 7 else { continue }
                reader.appendEmptyBlock()
                whole += try reader.readAll(buffer: 50_000)
            }
            return whole
        }
        _ = try Coding.gzip.decode(whole)
        for _ in 0..<8 {
            let offset = Int64.random(in: 0...Int64(whole.count), using: &generator)
            let rest = try await read(source, from: offset)
            #expect(
                firstDifference(rest, whole[Int(offset)...]) == nil, "offset \(offset), seed \(SeededGenerator.seed)")
        }
    }

    @Test("what the server keeps is forgotten; without a place to begin from it is an error") func acknowledged() throws
    {
        let log = EncodingLog()
        for index in 1...10 {
            let offset = Int64(index) * EncodingLog.interval
            log.add(.init(codedLength: offset / 2, contentLength: offset, checksum: 0))
        }
        #expect(log.acknowledged(to: 3 * EncodingLog.interval) == 6 * EncodingLog.interval)
        #expect(try log.checkpoint(before: 4 * EncodingLog.interval, "a")?.contentLength == 8 * EncodingLog.interval)
        #expect(throws: ClientError.self) { try log.checkpoint(before: 1, "a") }
    }

    @Test("the number of checkpoints is limited") func limits() {
        let log = EncodingLog()
        for index in 1...10_000 {
            let offset = Int64(index) * EncodingLog.interval
            log.add(.init(codedLength: offset, contentLength: offset, checksum: 0))
        }
        let checkpoints = log.reproducible ?? []
        #expect((EncodingLog.limit / 2 - 1...EncodingLog.limit).contains(checkpoints.count))
        #expect(checkpoints.last?.contentLength ?? 0 > 9_900 * EncodingLog.interval)
    }

    @Test("a sequence that can be made again is read from an offset, and an end before it is an error")
    func sequences() async throws {
        let chunks = (0..<50).map { [UInt8](repeating: $0, count: 1000) }
        let content = Content.stream { AsyncStream(of: chunks) }
        let source = try content.prepare(Preparation(recognizesCompressed: false))
        #expect(try await read(source, from: 30_500) == Array(Array(chunks.joined())[30_500...]))
        #expect(try await read(source, from: 50_000).isEmpty)
        await #expect(throws: ClientError.self) { try await read(source, from: 50_001) }
    }
}
