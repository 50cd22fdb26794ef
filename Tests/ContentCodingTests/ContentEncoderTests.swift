import ContentCoding
import TestSupport
import Testing

@Suite("Content encoder", .timeLimit(.minutes(3)))
struct ContentEncoderTests {
    @Test(
        "after a flush everything written so far can be decoded, with buffers of any size",
        arguments: Coding.allCases, [1, 4, 63, 64, 65, 4096]
    )
    func flush(coding: Coding, room: Int) throws {
        var encoder = try ContentEncoder(coding)
        var decoder = ContentDecoder(coding)
        var length = 0
        for round in 0..<20 {
            let content = (round.isMultiple(of: 2) ? Sample.text : .random).bytes(round * 37)
            let data = encoder.encode(content, .flush, room: room)
            length += data.count
            #expect(try decoder.decode(data) == content, "round \(round)")
            // Without new data nothing is written, or the same once more at the end of a buffer.
            #expect(encoder.encode([], .flush, room: room).count <= 5)
        }
        #expect(try decoder.decode(encoder.encode([], .finish, room: room)) == [])
        try decoder.finish()
        #expect(length < 20_000)
    }

    @Test("without a flush the encoder holds data back to compress it better") func more() throws {
        var encoder = try ContentEncoder(.gzip)
        let content = Sample.text.bytes(1000)
        var data = encoder.encode(content, .more)
        #expect(data.count <= 10)
        data += encoder.encode(content, .more)
        data += encoder.encode([], .finish)
        #expect(try decode(data, .gzip) == content + content)
    }

    @Test("nothing is written after the end", arguments: Coding.allCases) func behindTheEnd(coding: Coding) throws {
        var encoder = try ContentEncoder(coding)
        _ = encoder.encode([1, 2, 3], .finish)
        for mode in [ContentEncoder.Mode.finish, .flush, .more] {
            for room in [1, 4096] { #expect(encoder.encode([], mode, room: room) == []) }
        }
    }

    @Test("higher levels give smaller output; level 0 stores") func levels() throws {
        let content = Sample.text.bytes(100_000)
        let sizes = try [0, 1, 6, 9].map { try encode(content, .gzip, level: $0).count }
        #expect(sizes[0] > content.count && sizes == sizes.sorted(by: >))
        for level in 0...9 { #expect(try decode(encode(content, .gzip, level: level), .gzip) == content) }
    }
}
