import ContentCoding
import HTTPTypes
import NIOCore

/// `GET /count/{n}`: a request for one line for each number from 1 on.
struct CountRequest: Hashable, Sendable {
    /// `Int.max` for counting without end.
    let limit: Int
    /// Between two lines.
    let interval: Duration
    let representation: Representation

    /// - Parameter limit: nil if the path has no valid number.
    /// - Throws: ``Refusal`` if the path, or `interval` in the query, is invalid.
    init(_ head: HTTPRequest, _ limit: Int?) throws(Refusal) {
        guard let limit else { throw Refusal(.malformed, "count to a number, /count/10, or to inf") }
        self.limit = limit
        let query = (head.path ?? "").split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let value = query.split(separator: "&").last { $0.hasPrefix("interval=") }?.dropFirst("interval=".count)
        guard let seconds = value.map({ Double($0) }) ?? 1, (0...60).contains(seconds) else {
            throw Refusal(.malformed, "interval is a number of seconds, from 0 to 60")
        }
        interval = .seconds(seconds)
        representation = try .accepted(by: head)
    }

    /// - Parameter text: digits, or `inf`.
    static func limit(_ text: Substring) -> Int? {
        if text == "inf" { return .max }
        guard let number = Int(text), number >= 0, text.first != "+" else { return nil }
        return number
    }

    var fields: HTTPFields {
        var fields = representation.fields
        fields[.contentType] = "text/plain; charset=utf-8"
        fields[.cacheControl] = "no-store"
        return fields
    }
}

/// Sends one line for each number, at its time; without an interval, as fast as the client reads.
struct CountBody: Sendable {
    /// Bytes that are sent at once if there is no interval.
    private static let pieceSize = 16 * 1024

    /// A closed connection is noticed after this time at most.
    private static let longestSleep = Duration.seconds(1)

    let request: CountRequest
    /// Of the connection or stream.
    let channel: any Channel

    func send(to writer: inout ContentWriter) async throws {
        let encoder = try BodyEncoder(request.representation)
        let start = ContinuousClock.now
        var (number, piece) = (0, ByteBuffer())
        while number < request.limit {
            number += 1
            piece.writeString("\(number)\n")
            if request.interval == .zero, piece.readableBytes < Self.pieceSize, number < request.limit { continue }
            try await writer.write(encoder?.encode(piece, .flush) ?? piece)
            piece.clear()
            // If the client reads fast, nothing else suspends, and other tasks would not get their turn.
            await Task.yield()
            if number < request.limit, request.interval != .zero {
                // Measured from the start, so that delays do not add up.
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
