import ContentCoding
import Testing

@Suite("Content coding round trips")
struct RoundTripTests {
    @Test("what was encoded is decoded, with buffers of any size", arguments: Coding.allCases, [1, 3, 64, 1000])
    func smallBuffers(coding: Coding, size: Int) throws {
        let content = Array((0..<5000).map { "line \($0 % 97)\n" }.joined().utf8)
        let encoded = try encode(content, coding, bufferSize: size)
        #expect(encoded.count < content.count / 4)
        #expect(try decode(encoded, coding, bufferSize: size) == content)
    }
}

func encode(_ content: [UInt8], _ coding: Coding, bufferSize: Int) throws -> [UInt8] {
    var encoder = try ContentEncoder(coding)
    var encoded: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: bufferSize)
    content.withUnsafeBytes { bytes in
        var rest = bytes
        while true {
            let count = buffer.withUnsafeMutableBytes { encoder.encode(&rest, into: $0, .finish) }
            encoded += buffer[..<count]
            if count < bufferSize { break }
        }
    }
    return encoded
}

func decode(_ data: [UInt8], _ coding: Coding, bufferSize: Int) throws -> [UInt8] {
    var decoder = ContentDecoder(coding)
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: bufferSize)
    try data.withUnsafeBytes { bytes in
        var rest = bytes
        while true {
            let count = try buffer.withUnsafeMutableBytes { try decoder.decode(&rest, into: $0) }
            content += buffer[..<count]
            if count < bufferSize { break }
        }
    }
    try decoder.finish()
    return content
}
