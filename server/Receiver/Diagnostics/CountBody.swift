import ContentCoding
import HummingbirdCore
import NIOCore

/// Sends a line for each number, each at its time; without an interval, as fast as they are taken.
struct CountBody: Sendable {
    /// Bytes that are sent at once where there is no interval.
    private static let pieceSize = 16 * 1024

    /// A client that is gone is noticed after this time at most.
    private static let longestSleep = Duration.seconds(1)

    private let request: CountRequest
    private let channel: any Channel

    /// - Parameter channel: that of the connection, or of the stream.
    init(_ request: CountRequest, channel: any Channel) {
        self.request = request
        self.channel = channel
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
                try await sleep(until: start + request.interval * number)
            }
        }
        if let encoder { try await writer.write(encoder.encode(ByteBuffer(), .finish)) }
    }

    private func sleep(until end: ContinuousClock.Instant) async throws {
        while ContinuousClock.now < end {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            try await Task.sleep(until: min(end, .now + Self.longestSleep), clock: .continuous)
        }
    }
}
