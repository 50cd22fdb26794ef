public import ContentCoding

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
