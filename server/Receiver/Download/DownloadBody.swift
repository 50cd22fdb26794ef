import ContentCoding
import HummingbirdCore
import NIOCore

/// Sends a file's content, one piece after another: the next one is read when the connection has
/// taken this one, which is what keeps the memory constant, however slow the client is.
struct DownloadBody: Sendable {
    /// Bytes that are read at once, at most.
    private static let pieceSize = 256 * 1024

    let reader: any StoredFileReader
    let content: DownloadPlan.Content
    let share: BufferShare

    /// - Parameter bytesSent: is kept up to date, also where sending fails.
    /// - Throws: where the file is not all there any more. The body then ends before its end, so that
    ///   the client cannot take it for whole.
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
        // The encoder may have kept all back.
        guard bytes.readableBytes > 0 else { return }
        try await writer.write(bytes)
        bytesSent += bytes.readableBytes
    }

    private func nextPiece(of rest: inout Range<Int>) -> Range<Int>? {
        guard !rest.isEmpty else { return nil }
        let piece = rest.prefix(share.size(upTo: Self.pieceSize))
        rest = piece.upperBound..<rest.upperBound
        return piece
    }
}
