internal import Platform

/// The time limits of one transfer, as a pure value: counts the time in which the peer, or the
/// network, was what was waited for, and no other.
struct TimeLimits {
    /// Which limit was exceeded.
    enum Excess: Equatable {
        /// Nothing has been moved for so long.
        case stalled(Duration)
        /// The whole has taken so long.
        case exceeded(Duration)
    }

    private let stall: Duration?
    private let total: Duration?
    private var isCounting = false
    private var now: Instant
    /// The time counted until `now`.
    private var elapsed = Duration.zero
    /// `elapsed` when bytes were last seen to have moved, and when to look for that again.
    private var movedAt = Duration.zero
    private var nextLook: Duration
    private var bytesMoved: Int64?

    /// - Parameters:
    ///   - stall: how long may pass without a byte moved.
    ///   - total: how long the whole may take.
    init(stall: Duration?, total: Duration?, at now: Instant) {
        self.stall = stall
        self.total = total
        self.now = now
        nextLook = stall.map { $0 / Self.looks } ?? .zero
    }

    /// How many times a stall is looked for before it is one: who looks each time that a byte moves
    /// looks too often, and who looks at the end only does not know when the last one did.
    private static let looks = 8

    /// Time has passed; `isCounting` is true from now on if the peer is what is waited for.
    mutating func advance(to now: Instant, isCounting: Bool) {
        if self.isCounting { elapsed += now - self.now }
        self.now = now
        self.isCounting = isCounting
    }

    /// Whether ``looked(bytesMoved:)`` is due.
    var mustLook: Bool { stall != nil && elapsed >= nextLook }

    /// - Parameter bytesMoved: in both directions; nil while there is no connection, which has a
    ///   limit of its own.
    mutating func looked(bytesMoved: Int64?) {
        guard let stall else { return }
        if bytesMoved == nil || bytesMoved != self.bytesMoved { movedAt = elapsed }
        self.bytesMoved = bytesMoved
        nextLook = min(elapsed + stall / Self.looks, max(elapsed, movedAt + stall))
    }

    /// To be asked when it has been looked.
    var excess: Excess? {
        if let total, elapsed >= total { return .exceeded(total) }
        if let stall, elapsed - movedAt >= stall { return .stalled(stall) }
        return nil
    }

    /// When there may be something to do; nil as long as nothing is counted.
    var deadline: Instant? {
        guard isCounting, stall != nil || total != nil else { return nil }
        let next = stall == nil ? total ?? .zero : min(total ?? nextLook, nextLook)
        return now + (next - elapsed)
    }
}
