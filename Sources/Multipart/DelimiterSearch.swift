internal import Platform

/// Finds a delimiter, CRLF `--` boundary, in a buffer, in linear time on any input.
///
/// Eight bytes are looked at of every some thirty: wherever a delimiter stands, one of these probes
/// lies within it. A probe that could be a piece of the delimiter, by a table of hashes, is rare;
/// only around it is looked closer. There, and with short boundaries everywhere, the four bytes
/// with which every delimiter begins are looked for at eight places at a time, and the boundary is
/// compared behind them.
///
/// What makes this linear even on content made to slow it down: a boundary holds no CR, so the
/// delimiter's only CR is its first byte. Where its first bytes match, no other match begins
/// among them, so that no byte is matched twice; and no place is looked at closer more than once.
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
    /// By the hash of eight bytes: whether they may be a piece of the delimiter. Empty where the
    /// delimiter is too short to be probed for.
    private let pieces: [Bool]

    init(boundary: Boundary) {
        delimiter = [ASCII.cr, ASCII.lf, ASCII.dash, ASCII.dash] + boundary.description.utf8
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

    /// The first delimiter from `start` on, or the part of one with which the buffer ends.
    ///
    /// Passes over a boundary that is content, such as a longer one of which this is a prefix,
    /// when the bytes behind it that show this are in the buffer.
    func firstMatch(in buffer: UnsafeRawBufferPointer, from start: Int) -> Match {
        guard !pieces.isEmpty else { return firstMatch(in: buffer, places: start..<buffer.count) }
        // A delimiter at a place has a whole piece at each of so many places.
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

    /// The first delimiter, or part of one at the buffer's end, that begins at one of these places.
    private func firstMatch(in buffer: UnsafeRawBufferPointer, places: Range<Int>) -> Match {
        delimiter.withUnsafeBufferPointer { delimiter in
            let (crs, dashes) = (Self.everyByte(ASCII.cr), Self.everyByte(ASCII.dash))
            let (ones, highest) = (Self.everyByte(0x01), Self.everyByte(0x80))
            var index = places.lowerBound
            while index &+ 8 <= places.upperBound, index &+ Self.reach <= buffer.count {
                // The first and the last of the four bytes are seldom together: as a rule, they
                // decide. No calls here, for the sake of builds without optimization.
                let first = buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let last = buffer.loadUnaligned(fromByteOffset: index &+ 3, as: UInt64.self)
                let differing = (first ^ crs) | (last ^ dashes)
                if (differing &- ones) & ~differing & highest != 0 {  // a zero byte: both are there
                    var candidates = Self.candidates(in: buffer, at: index)
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

    private static func match(
        of delimiter: UnsafeBufferPointer<UInt8>, in buffer: UnsafeRawBufferPointer, at index: Int
    ) -> Match {
        let end = index + matchLength(of: delimiter, in: buffer, at: index)
        guard end - index == delimiter.count else { return end == buffer.count ? .partial(at: index) : .none }
        return isContent(buffer, behind: end) ? .none : .whole(at: index)
    }

    /// Whether the bytes behind a boundary are known to make it content: what
    /// `MultipartParser.readDelimiterLine` finds byte by byte. Found here it saves events, of
    /// which a sender could otherwise make a thousand small ones out of one buffer.
    private static func isContent(_ buffer: UnsafeRawBufferPointer, behind end: Int) -> Bool {
        guard end < buffer.count else { return false }
        let next = end + 1 < buffer.count ? buffer[end + 1] : nil
        return switch buffer[end] {
        case ASCII.dash: next != nil && next != ASCII.dash
        case ASCII.cr: next != nil && next != ASCII.lf
        case let byte: !ASCII.isWhiteSpace(byte)
        }
    }

    // MARK: Pieces

    /// Below this, probes would be so close together that looking at all is as quick.
    private static let shortestProbed = 23

    private static let hashBits = 12

    private static func hash(_ piece: UInt64) -> Int {
        Int(truncatingIfNeeded: (piece &* 0x9E37_79B9_7F4A_7C15) &>> (64 - UInt64(hashBits)))
    }

    // MARK: Eight places at a time

    /// How many bytes are looked at for eight places: these and the three behind.
    private static let reach = 11

    /// The places among the eight from `index` on where CRLF `--` stands: the highest bit of a
    /// byte for each, the first place in the lowest byte.
    private static func candidates(in buffer: UnsafeRawBufferPointer, at index: Int) -> UInt64 {
        var differing: UInt64 = 0
        for (offset, byte) in [ASCII.cr, ASCII.lf, ASCII.dash, ASCII.dash].enumerated() {
            let word = buffer.loadUnaligned(fromByteOffset: index + offset, as: UInt64.self)
            differing |= UInt64(littleEndian: word) ^ everyByte(byte)
        }
        return ~(((differing & everyByte(0x7F)) + everyByte(0x7F)) | differing | everyByte(0x7F))
    }

    private static func everyByte(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 * UInt64(byte) }
}
