/// Finds a delimiter, CRLF `--` boundary, in a buffer, in linear time on any input.
///
/// Horspool's algorithm skips a whole delimiter's length at a time over ordinary content. What
/// makes it linear even on content made to slow it down: a boundary holds no CR, so the
/// delimiter's only CR is its first byte. Where the first `k` bytes match, none of the bytes
/// behind the first can begin another match, and the search moves on by `k` at least.
struct DelimiterSearch: Sendable {
    enum Match: Equatable {
        /// Nothing here can belong to a delimiter.
        case none
        /// A delimiter begins at this offset.
        case whole(at: Int)
        /// The buffer ends with the first bytes of a delimiter, from this offset.
        case partial(at: Int)
    }

    let delimiter: [UInt8]
    /// By the byte under the delimiter's last position: how far the next possible match is. Zero
    /// where that byte is the delimiter's last.
    private let skip: [UInt8]
    /// The distance of the delimiter's last byte to its previous occurrence.
    private let period: Int

    init(boundary: Boundary) {
        delimiter = [ASCII.cr, ASCII.lf, ASCII.dash, ASCII.dash] + boundary.description.utf8
        let last = delimiter.count - 1
        var skip = [UInt8](repeating: UInt8(delimiter.count), count: 256)
        for (index, byte) in delimiter.enumerated() { skip[Int(byte)] = UInt8(last - index) }
        self.skip = skip
        period = last - (delimiter[..<last].lastIndex(of: delimiter[last]) ?? -1)
    }

    func firstMatch(in buffer: UnsafeRawBufferPointer, from start: Int) -> Match {
        skip.withUnsafeBufferPointer { skip in
            delimiter.withUnsafeBufferPointer { delimiter in
                firstMatch(in: buffer, from: start, delimiter: delimiter, skip: skip)
            }
        }
    }

    private func firstMatch(
        in buffer: UnsafeRawBufferPointer,
        from start: Int,
        delimiter: UnsafeBufferPointer<UInt8>,
        skip: UnsafeBufferPointer<UInt8>
    ) -> Match {
        let last = delimiter.count - 1
        var index = start
        while index + last < buffer.count {
            let distance = Int(skip[Int(buffer[index + last])])
            guard distance == 0 else {
                index += distance
                continue
            }
            let matched = Self.matchLength(of: delimiter, in: buffer, at: index)
            if matched == delimiter.count { return .whole(at: index) }
            index += max(period, matched)
        }
        while index < buffer.count {
            let matched = Self.matchLength(of: delimiter, in: buffer, at: index)
            if index + matched == buffer.count { return .partial(at: index) }
            index += max(1, matched)
        }
        return .none
    }

    /// How many bytes of the delimiter, from its byte `offset` on, stand at `index`.
    func matchLength(in buffer: UnsafeRawBufferPointer, at index: Int, from offset: Int) -> Int {
        delimiter.withUnsafeBufferPointer {
            Self.matchLength(of: UnsafeBufferPointer(rebasing: $0[offset...]), in: buffer, at: index)
        }
    }

    private static func matchLength(
        of delimiter: UnsafeBufferPointer<UInt8>, in buffer: UnsafeRawBufferPointer, at index: Int
    ) -> Int {
        let limit = min(delimiter.count, buffer.count - index)
        var matched = 0
        while matched < limit, buffer[index + matched] == delimiter[matched] { matched += 1 }
        return matched
    }
}
