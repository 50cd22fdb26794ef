import ContentCoding
import HummingbirdCore
import NIOCore

/// Sends a file's content piece by piece. The next piece is read after the connection has accepted this one, so memory is
/// constant for slow clients too.
struct DownloadBody: Sendable {
    /// The most bytes that are read at once.
    private static let pieceSize = 256 * 1024

    let reader: any StoredFileReader
    let content: DownloadPlan.Content
    let budget: BufferBudget

    /// - Parameter bytesSent: kept up to date, also if sending fails.
    /// - Throws: if the file has changed. The body is then cut off, so that the client does not take it for complete.
    func send(to writer: inout any ResponseBodyWriter, bytesSent: inout Int) async throws {
        switch content {
        case .bytes(let range):
            var rest = range
            while let piece = nextPiece(of: &rest) {
                try await send(reader.read(at: piece.lowerBound, count: piece.count), to: &writer, &bytesSent)
            }
        case .coded(let coding):
            let encoder = try BodyEncoder(coding)
            var rest = 0..<reader.file.size
            while let piece = nextPiece(of: &rest) {
                let bytes = try await reader.read(at: piece.lowerBound, count: piece.count)
                try await send(encoder.encode(bytes, .more), to: &writer, &bytesSent)
            }
            try await send(encoder.encode(ByteBuffer(), .finish), to: &writer, &bytesSent)
        }
    }

    private func send(_ bytes: ByteBuffer, to writer: inout any ResponseBodyWriter, _ bytesSent: inout Int) async throws
    {
        // The encoder may have buffered everything.
        guard bytes.readableBytes > 0 else { return }
        try await writer.write(bytes)
        bytesSent += bytes.readableBytes
    }

    private func nextPiece(of rest: inout Range<Int>) -> Range<Int>? {
        guard !rest.isEmpty else { return nil }
        let piece = rest.prefix(budget.size(upTo: Self.pieceSize))
        rest = piece.upperBound..<rest.upperBound
        return piece
    }
}
