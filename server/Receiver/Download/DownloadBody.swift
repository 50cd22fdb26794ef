import ContentCoding
import NIOCore

/// Sends a file's content piece by piece. A piece is read after the connection has sent the one before: nothing is read or
/// compressed ahead of a client, and a client that does not read holds one piece in memory.
struct DownloadBody: Sendable {
    /// The size of the first piece, in bytes.
    private static let smallestPiece = 4 * 1024
    private static let largestPiece = 256 * 1024
    /// Compressing this many bytes takes a thread of the pool about a millisecond.
    private static let largestCodedPiece = 64 * 1024

    let reader: any StoredFileReader
    /// Of the file.
    let range: Range<Int>
    /// Nil if the content is not coded.
    let encoder: BodyEncoder?
    let budget: SendBudget

    /// - Throws: if the file has changed. The body is then cut off, so that the client does not take it for complete.
    func send(to writer: inout ContentWriter) async throws {
        let largest = encoder == nil ? Self.largestPiece : Self.largestCodedPiece
        var (rest, size) = (range, Self.smallestPiece)
        while !rest.isEmpty {
            let share = budget.share(upTo: size, atLeast: Self.smallestPiece)
            let piece = rest.prefix(share.bytes)
            rest = piece.upperBound..<rest.upperBound
            var bytes = try await reader.read(at: piece.lowerBound, count: piece.count)
            if let encoder { bytes = try await encoder.encode(bytes, .more) }
            let start = ContinuousClock.now
            try await writer.write(bytes)
            size = Self.size(after: size, sentIn: .now - start, largest)
            withExtendedLifetime(share) {}
        }
        if let encoder { try await writer.write(encoder.encode(ByteBuffer(), .finish)) }
    }

    /// Pieces are as large as the client takes within a fraction of a second.
    private static func size(after size: Int, sentIn time: Duration, _ largest: Int) -> Int {
        if time < .milliseconds(50) { return min(2 * size, largest) }
        return time > .milliseconds(500) ? max(size / 2, smallestPiece) : size
    }
}
