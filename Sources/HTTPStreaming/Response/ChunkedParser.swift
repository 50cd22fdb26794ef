internal import Platform

/// Removes the chunked framing from content (RFC 9112 §7.1). Accepts input in pieces of any size.
struct ChunkedParser {
    private enum State {
        /// In the digits of a chunk's size. → `extensions`, `data`, `trailer`
        case size(Int64, digits: Int)
        /// After the size, up to the end of the line. → `data`, `trailer`
        case extensions(Int64)
        /// In the data of a chunk, of which this many bytes are left. → `dataEnd`
        case data(Int64)
        /// In the line end after the data. → `size`
        case dataEnd
        /// In a line of the trailer section, of which this many bytes were read. → `complete`
        case trailer(Int)
        /// Final.
        case complete
        /// The input is malformed. Final.
        case invalid
    }

    private var state = State.size(0, digits: 0)

    /// Whether the last chunk and the trailer section have been read.
    var isComplete: Bool {
        if case .complete = state { true } else { false }
    }

    /// Appends the content in `bytes` to `content`; ignores bytes after the end.
    mutating func parse(_ bytes: UnsafeRawBufferPointer, into content: inout [UInt8]) {
        var rest = bytes[...]
        while let byte = rest.first {
            if case .data(let left) = state {
                let data = rest.prefix(Int(min(left, Int64(rest.count))))
                content += data
                rest = rest[data.endIndex...]
                state = left == data.count ? .dataEnd : .data(left - Int64(data.count))
            } else {
                rest.removeFirst()
                parseFraming(byte)
            }
        }
    }

    private mutating func parseFraming(_ byte: UInt8) {
        let isLineEnd = byte == UInt8(ascii: "\n")
        switch state {
        case .size(let size, let digits):
            let digit = ASCII.hexValue(byte)
            // 15 hexadecimal digits cannot overflow an Int64.
            if let digit, digits < 15 {
                state = .size(size << 4 | Int64(digit), digits: digits + 1)
            } else if digits == 0 || digit != nil {
                state = .invalid
            } else {
                state = .extensions(size)
                if isLineEnd { endSizeLine(size) }
            }
        case .extensions(let size):
            if isLineEnd { endSizeLine(size) }
        case .dataEnd:
            if isLineEnd { state = .size(0, digits: 0) } else if byte != UInt8(ascii: "\r") { state = .invalid }
        case .trailer(let length):
            if isLineEnd {
                state = length == 0 ? .complete : .trailer(0)
            } else if byte != UInt8(ascii: "\r") {
                state = .trailer(length + 1)
            }
        case .data, .complete, .invalid:
            break
        }
    }

    private mutating func endSizeLine(_ size: Int64) {
        state = size == 0 ? .trailer(0) : .data(size)
    }
}
