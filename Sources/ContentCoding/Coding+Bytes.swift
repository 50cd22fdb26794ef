extension Coding {
    /// Encodes content in memory.
    ///
    /// - Parameters:
    ///   - content: the content to encode.
    ///   - level: 0, no compression, to 9, smallest. Default: 6.
    /// - Throws: ``CodingError/Code/outOfMemory``.
    public func encode(_ content: [UInt8], level: Int = 6) throws(CodingError) -> [UInt8] {
        var encoder = try ContentEncoder(self, level: level)
        return content.withUnsafeBytes { bytes in
            var rest = bytes
            return Self.collect { encoder.encode(&rest, into: $0, .finish) }
        }
    }

    /// Decodes complete data in memory.
    ///
    /// - Parameters:
    ///   - data: the complete stream.
    ///   - limits: default: no limits.
    /// - Throws: ``CodingError``.
    public func decode(_ data: [UInt8], limits: DecodingLimits = DecodingLimits()) throws(CodingError) -> [UInt8] {
        var decoder = ContentDecoder(self, limits: limits)
        var rest = UnsafeRawBufferPointer(start: nil, count: 0)
        let content = try data.withUnsafeBufferPointer { (bytes) throws(CodingError) in
            rest = UnsafeRawBufferPointer(bytes)
            return try Self.collect { (room) throws(CodingError) in try decoder.decode(&rest, into: room) }
        }
        try decoder.finish()
        return content
    }

    /// Calls `write` until it does not fill its buffer, and returns everything it has written.
    private static func collect<E: Error>(
        _ write: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) -> [UInt8] {
        var collected: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try piece.withUnsafeMutableBufferPointer { (room) throws(E) in
                try write(UnsafeMutableRawBufferPointer(room))
            }
            collected += piece[..<count]
            if count < piece.count { return collected }
        }
    }
}
