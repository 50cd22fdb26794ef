internal import Platform

/// Finds a delimiter, a line break and `--` boundary, in a buffer, in linear time on any input.
///
/// The search probes eight bytes out of about thirty. The distance is such that every delimiter contains a whole probe.
/// A table of hashes tells whether a probe may be a piece of the delimiter, which is rare. Only near such a probe does
/// it compare closely: it searches for the first four bytes of the delimiter, at eight places at a time, and then
/// compares the rest. If the boundary is short, it compares closely everywhere.
///
/// This is linear even on malicious content: a boundary contains no CR and no LF, so the first byte of the delimiter does
/// not occur in it again. Therefore no second match begins within the bytes that match, and no byte is matched twice. No place is
/// compared closely more than once.
struct DelimiterSearch: Sendable {
    enum Match: Equatable {
        /// No byte of the buffer can belong to a delimiter.
        case none
        /// A delimiter begins at this offset.
        case whole(at: Int)
        /// The buffer ends with the first bytes of a delimiter, from this offset.
        case partial(at: Int)
    }

    let delimiter: [UInt8]
    /// Whether eight bytes with this hash may be a piece of the delimiter. Empty if the delimiter is too short for
    /// probing.
    private let pieces: [Bool]

    /// - Parameter lineBreak: CRLF, or LF alone.
    init(boundary: Boundary, lineBreak: [UInt8] = [ASCII.cr, ASCII.lf]) {
        delimiter = lineBreak + [ASCII.dash, ASCII.dash] + boundary.description.utf8
        guard delimiter.count >= Self.shortestProbed else {
            pieces = []
            return
        }
        var pieces = [Bool](repeating: false, count: 1 << Self.hashBits)
        delimiter.withUnsafeBytes { delimiter in
            for offset in 0...(delimiter.count - 8) {
                pieces[Self.hash(delimiter.loadUnaligned(fromByteOffset: offset, as: UInt64.self))] = true
            }
        }
        self.pieces = pieces
    }

    /// Returns the first delimiter from `start` on, or the start of one at the end of the buffer.
    ///
    /// Skips a boundary that is content, such as a longer one of which this is a prefix, if the buffer contains the
    /// bytes after it that show this.
    func firstMatch(in buffer: UnsafeRawBufferPointer, from start: Int) -> Match {
        guard !pieces.isEmpty else { return firstMatch(in: buffer, places: start..<buffer.count) }
        // The number of pieces of eight bytes in a delimiter.
        let reach = delimiter.count - 7
        var unread = start
        let match = pieces.withUnsafeBufferPointer { pieces -> Match in
            var probe = start &+ reach &- 1
            while probe &+ 8 <= buffer.count {
                if pieces[Self.hash(buffer.loadUnaligned(fromByteOffset: probe, as: UInt64.self))] {
                    let match = firstMatch(in: buffer, places: unread..<(probe &+ 1))
                    if match != .none { return match }
                }
                unread = probe &+ 1
                probe &+= reach
            }
            return .none
        }
        return match == .none ? firstMatch(in: buffer, places: unread..<buffer.count) : match
    }

    /// Returns the first delimiter, or the start of one at the end of the buffer, that begins at one of these places.
    private func firstMatch(in buffer: UnsafeRawBufferPointer, places: Range<Int>) -> Match {
        delimiter.withUnsafeBufferPointer { delimiter in
            let (firsts, fourths) = (Self.everyByte(delimiter[0]), Self.everyByte(delimiter[3]))
            let (ones, highest) = (Self.everyByte(0x01), Self.everyByte(0x80))
            var index = places.lowerBound
            while index &+ 8 <= places.upperBound, index &+ Self.reach <= buffer.count {
                // Compare only the first and the last of the four bytes, which rarely occur together. There are no
                // calls here, because they would slow down builds without optimization.
                let first = buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let last = buffer.loadUnaligned(fromByteOffset: index &+ 3, as: UInt64.self)
                let differing = (first ^ firsts) | (last ^ fourths)
                if (differing &- ones) & ~differing & highest != 0 {  // a zero byte: both match
                    var candidates = Self.candidates(of: delimiter, in: buffer, at: index)
                    while candidates != 0 {
                        let place = index + candidates.trailingZeroBitCount / 8
                        let match = Self.match(of: delimiter, in: buffer, at: place)
                        if match != .none { return match }
                        candidates &= candidates - 1
                    }
                }
                index &+= 8
            }
            while index < places.upperBound {
                let match = Self.match(of: delimiter, in: buffer, at: index)
                if match != .none { return match }
                index += 1
            }
            return .none
        }
    }

    /// Returns how many bytes of the delimiter, from its byte `offset` on, match at `index`.
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

    private static func match(
        of delimiter: UnsafeBufferPointer<UInt8>, in buffer: UnsafeRawBufferPointer, at index: Int
    ) -> Match {
        let end = index + matchLength(of: delimiter, in: buffer, at: index)
        guard end - index == delimiter.count else { return end == buffer.count ? .partial(at: index) : .none }
        return isContent(buffer, after: end, lineBreak: delimiter[0]) ? .none : .whole(at: index)
    }

    /// Whether the bytes after a boundary show that it is content. `MultipartParser.readDelimiterLine` finds this too,
    /// but byte by byte, and a sender could then cause a thousand small events with one buffer.
    ///
    /// - Parameter lineBreak: the first byte of a line break.
    private static func isContent(_ buffer: UnsafeRawBufferPointer, after end: Int, lineBreak: UInt8) -> Bool {
        guard end < buffer.count else { return false }
        let next = end + 1 < buffer.count ? buffer[end + 1] : nil
        return switch buffer[end] {
        case ASCII.dash: next != nil && next != ASCII.dash
        case lineBreak: lineBreak == ASCII.cr && next != nil && next != ASCII.lf
        case let byte: !ASCII.isWhiteSpace(byte)
        }
    }

    // MARK: Pieces

    /// The length of the shortest delimiter to probe for. For shorter ones, comparing everywhere is as fast.
    private static let shortestProbed = 23

    private static let hashBits = 12

    private static func hash(_ piece: UInt64) -> Int {
        Int(truncatingIfNeeded: (piece &* 0x9E37_79B9_7F4A_7C15) &>> (64 - UInt64(hashBits)))
    }

    // MARK: Eight places at a time

    /// The number of bytes that the comparison at eight places reads: eight and the next three.
    private static let reach = 11

    /// Finds the first four bytes of the delimiter at the eight places from `index` on. Sets the highest bit of the byte
    /// for each match; the lowest byte stands for the first place.
    private static func candidates(
        of delimiter: UnsafeBufferPointer<UInt8>, in buffer: UnsafeRawBufferPointer, at index: Int
    ) -> UInt64 {
        var differing: UInt64 = 0
        for offset in 0..<4 {
            let word = buffer.loadUnaligned(fromByteOffset: index + offset, as: UInt64.self)
            differing |= UInt64(littleEndian: word) ^ everyByte(delimiter[offset])
        }
        return ~(((differing & everyByte(0x7F)) + everyByte(0x7F)) | differing | everyByte(0x7F))
    }

    private static func everyByte(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 * UInt64(byte) }
}
