import NIOCore
import NIOEmbedded
import NIOHTTP2
import TestSupport
import Testing

@testable import Receiver

@Suite("HTTP/2 frames")
struct HTTP2FrameHandlerTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private static func frame(_ type: UInt8, _ stream: Int, length: Int) -> [UInt8] {
        let number = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) }
        let size = [16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        return size + [type, 0] + number + [UInt8](repeating: UInt8(truncatingIfNeeded: length), count: length)
    }

    private let pending = HTTP2PendingFrames()

    private func channel() throws -> EmbeddedChannel {
        let connection = HTTP2ConnectionHandler(pingTimeout: .seconds(1))
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(HTTP2FrameHandler(pending, connection))
        return channel
    }

    @Test("frames reach the decoder whole, however the bytes are split", arguments: 0..<40)
    func whole(number: Int) throws {
        var random = SeededGenerator(case: number)
        var (sent, ends) = (Self.preface, Set<Int>())
        var (data, isKnown) = (0, Set<Int>())
        for _ in 0..<200 {
            let stream = 2 * Int.random(in: 0..<20, using: &random) + 1
            let type = random.pick([0, 0, 1, 4, 6, 0xF0] as [UInt8])
            if type == 1, stream > isKnown.max() ?? 0 { isKnown.insert(stream) }
            if type == 0, isKnown.contains(stream) { data += 1 }
            sent += Self.frame(type, stream, length: .random(in: 0...(random.oneIn(5) ? 1 << 14 : 40), using: &random))
            ends.insert(sent.count)
        }
        let channel = try channel()
        var (rest, received) = (sent[...], [UInt8]())
        while !rest.isEmpty {
            let piece = rest.prefix(.random(in: 1...random.pick([3, 100, 20_000]), using: &random))
            rest = rest.dropFirst(piece.count)
            try channel.writeInbound(ByteBuffer(bytes: piece))
            while let buffer = try channel.readInbound(as: ByteBuffer.self) {
                received += buffer.readableBytesView
                #expect(ends.contains(received.count), "seed \(SeededGenerator.seed)")
            }
        }
        #expect(received == sent, "seed \(SeededGenerator.seed)")
        #expect(pending.total == data)
    }

    @Test("a frame that is too long reaches the decoder with its header") func tooLong() throws {
        let channel = try channel()
        let head = Self.preface + Self.frame(0, 1, length: (1 << 14) + 1).prefix(9)
        try channel.writeInbound(ByteBuffer(bytes: head))
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: head))
    }
}
