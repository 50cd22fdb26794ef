import ContentCoding
import NIOCore

/// Sends a file's content piece by piece. The next piece is read after the connection has accepted this one, so memory is
/// constant for slow clients too.
struct DownloadBody: Sendable {
    /// The most bytes that are read at once.
    private static let pieceSize = 256 * 1024

    let reader: any StoredFileReader
    let content: DownloadPlan.Content
    let budget: BufferBudget

    /// - Throws: if the file has changed. The body is then cut off, so that the client does not take it for complete.
    func send(to writer: inout ContentWriter) async throws {
        var rest: Range<Int>
        let encoder: BodyEncoder?
        switch content {
        case .bytes(let range): (rest, encoder) = (range, nil)
        case .coded(let coding): (rest, encoder) = (0..<reader.file.size, try BodyEncoder(.coded(coding)))
        }
        while !rest.isEmpty {
            let piece = rest.prefix(budget.size(upTo: Self.pieceSize))
            rest = piece.upperBound..<rest.upperBound
            let bytes = try await reader.read(at: piece.lowerBound, count: piece.count)
            try await writer.write(encoder?.encode(bytes, .more) ?? bytes)
        }
        if let encoder { try await writer.write(encoder.encode(ByteBuffer(), .finish)) }
    }
}
