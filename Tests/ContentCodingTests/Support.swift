import Foundation
import TestSupport
import Testing

@testable import ContentCoding

/// Encodes `content` with one call after another, each with `room` bytes for its output.
func encode(_ content: [UInt8], _ coding: Coding, level: Int = 6, room: Int = 4096) throws -> [UInt8] {
    var encoder = try ContentEncoder(coding, level: level)
    return encoder.encode(content, .finish, room: room)
}

/// Decodes `data`, handed over in pieces that end at `splits`, with `room` bytes for the output of
/// each call; to its end, unless it `isCut`.
func decode(
    _ data: [UInt8], _ coding: Coding, splits: [Int] = [], room: Int = 4096, limits: DecodingLimits = DecodingLimits(),
    isCut: Bool = false
) throws -> [UInt8] {
    var decoder = ContentDecoder(coding, limits: limits)
    var content: [UInt8] = []
    var start = 0
    for end in splits + [data.count] {
        content += try decoder.decode(Array(data[start..<end]), room: room)
        start = end
    }
    #expect(decoder.bytesRead == data.count && decoder.bytesDecoded == content.count)
    if !isCut { try decoder.finish() }
    return content
}

/// The code of the error that decoding ends with; nil if there is none.
func decodingError(
    _ data: [UInt8], _ coding: Coding, splits: [Int] = [], room: Int = 4096, limits: DecodingLimits = DecodingLimits()
) -> CodingError.Code? {
    do {
        _ = try decode(data, coding, splits: splits, room: room, limits: limits)
        return nil
    } catch {
        return (error as? CodingError)?.code
    }
}

/// Raw DEFLATE data (RFC 1951), which some send as `deflate`.
func rawDeflate(_ content: [UInt8], level: Int = 6) throws -> [UInt8] {
    var stream = try DeflateStream(.raw, level: level)
    var buffer = [UInt8](repeating: 0, count: content.count + content.count / 100 + 100)
    return content.withUnsafeBytes { bytes in
        var rest = bytes
        return Array(buffer[..<buffer.withUnsafeMutableBytes { stream.deflate(&rest, into: $0, .finish) }])
    }
}

/// Content of the kinds that coders treat differently.
enum Sample: String, CaseIterable {
    case text, zeros, random

    func bytes(_ count: Int) -> [UInt8] {
        switch self {
        case .text:
            return Array((0...(count / 8)).lazy.map { "line \($0 % 977)\n" }.joined().utf8.prefix(count))
        case .zeros:
            return [UInt8](repeating: 0, count: count)
        case .random:
            return SeededGenerator.bytes(count, case: count)
        }
    }
}
