internal import Platform

/// Limits the upload rate of a client with a token bucket: it fills at the rate, and each byte sent takes one token. All
/// requests of a client share one, so that many small requests keep to the limit too. Used by the agent only.
///
/// Bytes are allowed in pieces worth 1/20 s of the rate. The bucket holds at most 1/10 s, which an idle client can send
/// at once.
final class TokenBucket {
    /// The default size of libcurl's upload buffer, in bytes.
    private static let largestPiece = 512 << 10

    private var rate = 0
    private var level = 0.0
    private var filledAt = Instant.now

    /// How many bytes may be sent now, or when to ask again.
    enum Allowance: Equatable {
        case bytes(Int)
        case none(until: Instant)
    }

    /// - Parameter rate: in bytes a second, at least 1.
    func allowance(rate: Int, at now: Instant) -> Allowance {
        fill(to: now)
        let piece = max(1, min(Double(rate) / 20, Double(Self.largestPiece)))
        // The bucket starts with one piece. A change of the rate keeps its tokens.
        if self.rate == 0 { level = piece }
        self.rate = rate
        level = min(level, max(1, Double(rate) / 10))
        if level >= piece { return .bytes(Int(level)) }
        return .none(until: now + .seconds((piece - level) / Double(rate)))
    }

    /// Takes tokens for bytes that are sent.
    func spend(_ bytes: Int) { level -= Double(bytes) }

    private func fill(to now: Instant) {
        level += (now - filledAt) / .seconds(1) * Double(rate)
        filledAt = now
    }
}
