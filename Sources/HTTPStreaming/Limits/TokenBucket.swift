internal import Platform

/// What a client may send now under a rate limit: its bucket fills at that rate, and each byte sent
/// takes one out. One for all requests of a client, so that many small ones keep to the limit too.
/// Agent's turns only.
///
/// Bytes are given out in pieces of a twentieth of a second, and never more at once than a tenth
/// of a second brings: so much an idle client may be ahead.
final class TokenBucket {
    /// What libcurl's buffer holds, unless set.
    private static let largestPiece = 512 << 10

    private var rate = 0
    private var level = 0.0
    private var filledAt = Instant.now

    /// How many bytes may be sent now, or else when to ask again.
    enum Allowance: Equatable {
        case bytes(Int)
        case none(until: Instant)
    }

    /// - Parameter rate: bytes a second, at least one.
    func allowance(rate: Int, at now: Instant) -> Allowance {
        fill(to: now)
        let piece = max(1, min(Double(rate) / 20, Double(Self.largestPiece)))
        // The first limit begins with one piece; a change takes along what there is.
        if self.rate == 0 { level = piece }
        self.rate = rate
        level = min(level, max(1, Double(rate) / 10))
        if level >= piece { return .bytes(Int(level)) }
        return .none(until: now + .seconds((piece - level) / Double(rate)))
    }

    /// So many bytes have been given out.
    func spend(_ bytes: Int) { level -= Double(bytes) }

    private func fill(to now: Instant) {
        level += (now - filledAt) / .seconds(1) * Double(rate)
        filledAt = now
    }
}
