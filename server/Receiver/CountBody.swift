import ContentCoding
import HummingbirdCore
import NIOCore

/// Sends a line for each number, each at its time; without an interval, as fast as they are taken.
struct CountBody: Sendable {
    /// Bytes that are sent at once where there is no interval.
    private static let pieceSize = 16 * 1024

    private let request: CountRequest

    init(_ request: CountRequest) {
        self.request = request
    }

    /// - Parameter bytesSent: is kept up to date, also where sending fails.
    func send(to writer: inout any ResponseBodyWriter, bytesSent: inout Int) async throws {
        let encoder: BodyEncoder? =
            switch request.representation {
            case .identity: nil
            case .coded(let coding): try BodyEncoder(coding)
            }
        let last =
            switch request.limit {
            case .number(let number): number
            case .infinity: Int.max
            }
        let start = ContinuousClock.now
        var (number, piece) = (0, ByteBuffer())
        while number < last {
            number += 1
            piece.writeString("\(number)\n")
            if request.interval == .zero, piece.readableBytes < Self.pieceSize, last > number { continue }
            let bytes = try await encoder?.encode(piece, .flush) ?? piece
            try await writer.write(bytes)
            bytesSent += bytes.readableBytes
            piece.clear()
            // Where all is taken at once, nothing else suspends, and others would not have their turn.
            await Task.yield()
            if last > number, request.interval != .zero {
                // From the start, so that the time that sending takes does not add up.
                try await Task.sleep(until: start + request.interval * number, clock: .continuous)
            }
        }
        if let encoder { try await writer.write(encoder.encode(ByteBuffer(), .finish)) }
    }
}
