import Crypto

/// The record of the segments of a body: entries, each of which was written, and synced, at once.
///
/// An entry is the length of its segments in 4 bytes, the segments, and the first 8 bytes of their SHA-256. A segment is
/// one byte that tells its kind, then numbers of 8 bytes, then literal bytes. Numbers are big-endian.
enum BodyRecord {
    /// Why a record cannot be read.
    struct DamagedError: Error {}

    /// An entry with more bytes is damaged. A recorder has at most a piece of the body more than
    /// ``Checkpoints/literalLimit``.
    static let maximumEntry = 32 << 20
    private static let lengthBytes = 4
    private static let checksumBytes = 8

    private enum Kind {
        static let (literal, content, coded, undecided, length, digests) = (
            1 as UInt8, 2 as UInt8, 3 as UInt8, 4 as UInt8, 5 as UInt8, 6 as UInt8
        )
    }

    static func entry(_ segments: [BodySegment]) -> [UInt8] {
        var bytes: [UInt8] = []
        for segment in segments {
            switch segment {
            case .literal(let literal):
                bytes.append(Kind.literal)
                bytes += number(literal.count) + literal
            case .content(let file, let count):
                bytes.append(Kind.content)
                bytes += number(file) + number(count)
            case .coded(let count):
                bytes.append(Kind.coded)
                bytes += number(count)
            case .undecided(let undecided):
                bytes.append(Kind.undecided)
                bytes += number(undecided.count) + undecided
            case .length(let length):
                bytes.append(Kind.length)
                bytes += number(length)
            case .digests(let digests):
                bytes.append(Kind.digests)
                bytes += number(digests.count) + digests
            }
        }
        return Array(number(bytes.count).suffix(lengthBytes)) + bytes + checksum(bytes[...])
    }

    /// Reads the next entry.
    ///
    /// - Parameter bytes: of the record, from the beginning of the entry on.
    /// - Returns: nil if the entry is not complete: the server was stopped while it wrote the entry, or `bytes` ends too
    ///   early.
    static func next(in bytes: ArraySlice<UInt8>, isLast: Bool) throws(DamagedError) -> (
        segments: [BodySegment], byteCount: Int
    )? {
        guard bytes.count >= lengthBytes else { return nil }
        let count = bytes.prefix(lengthBytes).reduce(0) { $0 << 8 | Int($1) }
        // After a power cut the last entry may have its length and not its bytes.
        guard count <= maximumEntry else { if isLast { return nil } else { throw DamagedError() } }
        let byteCount = lengthBytes + count + checksumBytes
        guard bytes.count >= byteCount else { return nil }
        let payload = bytes.dropFirst(lengthBytes).prefix(count)
        guard bytes.dropFirst(lengthBytes + count).prefix(checksumBytes).elementsEqual(checksum(payload)) else {
            if isLast, bytes.count == byteCount { return nil }
            throw DamagedError()
        }
        return (try segments(in: payload), byteCount)
    }

    private static func segments(in payload: ArraySlice<UInt8>) throws(DamagedError) -> [BodySegment] {
        var rest = payload
        var segments: [BodySegment] = []
        while let kind = rest.popFirst() {
            switch kind {
            case Kind.literal: segments.append(.literal(try takeBytes(from: &rest)))
            case Kind.content:
                segments.append(.content(file: try takeNumber(from: &rest), count: try takeNumber(from: &rest)))
            case Kind.coded: segments.append(.coded(count: try takeNumber(from: &rest)))
            case Kind.undecided: segments.append(.undecided(try takeBytes(from: &rest)))
            case Kind.length: segments.append(.length(try takeNumber(from: &rest)))
            case Kind.digests: segments.append(.digests(try takeBytes(from: &rest)))
            default: throw DamagedError()
            }
        }
        return segments
    }

    private static func takeNumber(from rest: inout ArraySlice<UInt8>) throws(DamagedError) -> Int {
        guard rest.count >= 8 else { throw DamagedError() }
        let number = rest.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(8)
        guard let number = Int(exactly: number) else { throw DamagedError() }
        return number
    }

    private static func takeBytes(from rest: inout ArraySlice<UInt8>) throws(DamagedError) -> [UInt8] {
        let count = try takeNumber(from: &rest)
        guard count <= rest.count else { throw DamagedError() }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    private static func number(_ value: Int) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Array(hash.finalize().prefix(checksumBytes))
    }
}
