import ContentCoding
import HTTPTypes
import NIOCore
import Platform

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
        guard let seconds = head.queryValue("interval").map({ Double($0) }) ?? 1, (0...60).contains(seconds) else {
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
    /// Bytes that are sent at once if more lines are due.
    private static let pieceSize = 16 * 1024

    /// Lines with a shorter interval are sent together: each piece takes some microseconds of the event loop, however
    /// small it is.
    private static let shortestPause = Duration.milliseconds(10)

    /// A closed connection is noticed after this time at most.
    private static let longestSleep = Duration.seconds(1)

    let request: CountRequest
    /// Nil if the response is not coded.
    let encoder: BodyEncoder?
    /// Of the connection or stream.
    let channel: any Channel

    func send(to writer: inout ContentWriter) async throws {
        let start = ContinuousClock.now
        var number = 0
        while number < request.limit {
            let piece = lines(upTo: due(.now - start), &number)
            try await writer.write(encoder?.encode(piece, .flush) ?? piece)
            // If the client reads fast, nothing else suspends, and other tasks would not get their turn.
            await Task.yield()
            if number < request.limit, piece.readableBytes < Self.pieceSize {
                // Measured from the start, so that delays do not add up.
                try await sleep(until: max(start + request.interval * number, .now + Self.shortestPause))
            }
        }
        if let encoder { try await writer.write(encoder.encode(ByteBuffer(), .finish)) }
    }

    /// The number of the last line that is due.
    private func due(_ time: Duration) -> Int {
        guard request.interval > .zero else { return request.limit }
        // A limit of 1e15 lines, since a larger number may not fit into Int.
        return min(request.limit, 1 + Int(min(time / request.interval, 1e15)))
    }

    private func lines(upTo last: Int, _ number: inout Int) -> ByteBuffer {
        var piece = ByteBuffer()
        while number < last, piece.readableBytes < Self.pieceSize {
            number += 1
            piece.writeString(String(number))
            piece.writeInteger(ASCII.lf)
        }
        return piece
    }

    private func sleep(until end: ContinuousClock.Instant) async throws {
        while ContinuousClock.now < end {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            try await Task.sleep(until: min(end, .now + Self.longestSleep), clock: .continuous)
        }
    }
}
