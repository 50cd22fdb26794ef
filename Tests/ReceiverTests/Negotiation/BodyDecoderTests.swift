import ContentCoding
import Foundation
import NIOCore
import Testing

@testable import Receiver

@Suite("Decoding of bodies", .timeLimit(.minutes(3)))
struct BodyDecoderTests {
    private func pieces(_ decoder: BodyDecoder, _ chunk: [UInt8]) async throws -> [ByteBuffer] {
        var rest = ByteBuffer(bytes: chunk)
        var pieces: [ByteBuffer] = []
        while let piece = try await decoder.next(of: &rest) { pieces.append(piece) }
        #expect(rest.readableBytes == 0)
        return pieces
    }

    @Test("chunks of any size decode to the same content", arguments: Coding.allCases, [1, 7, 1000, 1 << 20])
    func chunks(coding: Coding, size: Int) async throws {
        // Each chunk is a job: less content for chunks of one byte.
        let content =
            size == 1 ? Array(Samples.book.prefix(20_000)) : Samples.book + [UInt8](repeating: 0, count: 999_999)
        let data = try Samples.encoded(content, coding)
        let decoder = BodyDecoder(coding, limits: .init())
        var decoded: [UInt8] = []
        for start in stride(from: 0, to: data.count, by: size) {
            for piece in try await pieces(decoder, Array(data[start..<min(start + size, data.count)])) {
                #expect((1...BodyDecoder.pieceSize).contains(piece.readableBytes))
                piece.withUnsafeReadableBytes { decoded += $0 }
            }
        }
        try decoder.finish()
        #expect(decoded == content)
    }

    @Test("pieces occupy little more memory than their bytes and do not change later") func memory() async throws {
        let decoder = BodyDecoder(.gzip, limits: .init())
        let data = try Samples.encoded([UInt8](repeating: 1, count: 5 * BodyDecoder.pieceSize + 10), .gzip)
        let pieces = try await pieces(decoder, data)
        #expect(pieces.map(\.readableBytes) == Array(repeating: BodyDecoder.pieceSize, count: 5) + [10])
        #expect(pieces.allSatisfy { $0.storageCapacity <= max(64, 2 * $0.readableBytes) })
        // The pieces share no memory: returned bytes do not change.
        #expect(pieces.allSatisfy { $0 == ByteBuffer(repeating: 1, count: $0.readableBytes) })
    }

    @Test("limits are enforced, and an incomplete stream is an error") func limits() async throws {
        var limits = DecodingLimits()
        limits.size = 1000
        let bomb = try Samples.encoded([UInt8](repeating: 0, count: 1001), .deflate)
        let bounded = BodyDecoder(.deflate, limits: limits)
        await #expect(throws: CodingError.self) { _ = try await self.pieces(bounded, bomb) }
        let truncated = BodyDecoder(.deflate, limits: .init())
        _ = try await pieces(truncated, Array(bomb.dropLast()))
        #expect(throws: CodingError.self) { try truncated.finish() }
        let empty = BodyDecoder(.gzip, limits: .init())
        #expect(throws: CodingError.self) { try empty.finish() }
    }
}
