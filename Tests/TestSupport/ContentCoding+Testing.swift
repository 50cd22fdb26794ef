public import ContentCoding

extension ContentEncoder {
    /// All that `mode` promises of a piece of content, with `room` bytes for the output of each call.
    public mutating func encode(_ piece: some Sequence<UInt8>, _ mode: Mode, room: Int = 4096) -> [UInt8] {
        var encoded: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: room)
        Array(piece).withUnsafeBytes { bytes in
            var (rest, count) = (bytes, room)
            while count == room {
                count = buffer.withUnsafeMutableBytes { encode(&rest, into: $0, mode) }
                encoded += buffer[..<count]
            }
            precondition(rest.isEmpty, "input was left over")
        }
        return encoded
    }
}

extension ContentDecoder {
    /// All that a piece of coded data gives, with `room` bytes for the output of each call.
    public mutating func decode(_ piece: [UInt8], room: Int = 4096) throws -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: room)
        try piece.withUnsafeBytes { bytes in
            var (rest, count) = (bytes, room)
            while count == room {
                count = try buffer.withUnsafeMutableBytes { try decode(&rest, into: $0) }
                content += buffer[..<count]
            }
            guard rest.isEmpty else { throw FaultError("input was left over") }
        }
        return content
    }
}
