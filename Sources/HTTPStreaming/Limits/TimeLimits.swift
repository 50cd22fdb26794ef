internal import Platform

/// The time limits of one transfer, as a pure value. Counts only the time in which the transfer waits for the peer or
/// the network.
struct TimeLimits {
    /// Which limit was exceeded.
    enum Excess: Equatable {
        /// No bytes were sent or received for this long.
        case stalled(Duration)
        /// Bytes of header lines have been received for this long, but no complete head of the final response, and no other
        /// bytes have moved.
        case withoutHead(Duration)
        /// The whole transfer has taken this long.
        case exceeded(Duration)
    }

    private let stall: Duration?
    private let total: Duration?
    private var isCounting = false
    private var now: Instant
    /// The time counted until `now`.
    private var elapsed = Duration.zero
    /// The value of `elapsed` when bytes had last moved.
    private var movedAt = Duration.zero
    /// The value of `elapsed` when other bytes than those of an incomplete header had last moved.
    private var advancedAt = Duration.zero
    /// The value of `elapsed` when the next check is due.
    private var nextCheck: Duration
    private var bytesMoved: Int64?
    private var bytesAdvanced: Int64?

    /// - Parameters:
    ///   - stall: how long a transfer may go without sending or receiving a byte.
    ///   - total: how long the whole transfer may take.
    init(stall: Duration?, total: Duration?, at now: Instant) {
        self.stall = stall
        self.total = total
        self.now = now
        nextCheck = stall.map { $0 / Self.checksPerStall } ?? .zero
    }

    /// How often the byte count is checked within a stall's duration. A check at each event would cost too much; a single
    /// check at the end would not show when the last byte moved.
    private static let checksPerStall = 8

    /// How many times the stall's duration a server may extend by interim responses (102 is meant for that, RFC 2518 §10.1)
    /// and by the lines of a header.
    private static let stallsWithoutHead = 10

    /// Notes that time has passed. `isCounting`: whether the time from now on is spent waiting for the peer.
    mutating func advance(to now: Instant, isCounting: Bool) {
        if self.isCounting { elapsed += now - self.now }
        self.now = now
        self.isCounting = isCounting
    }

    /// Whether ``check(bytesMoved:)`` is due.
    var isCheckDue: Bool { stall != nil && elapsed >= nextCheck }

    /// - Parameters:
    ///   - bytesMoved: bytes sent and received so far; nil while connecting, which has a limit of its own.
    ///   - headerBytes: those among them that belong to interim responses and to an incomplete final head; 0 when that is
    ///     complete.
    mutating func check(bytesMoved: Int64?, headerBytes: Int64 = 0) {
        guard let stall else { return }
        if bytesMoved == nil || bytesMoved != self.bytesMoved { movedAt = elapsed }
        self.bytesMoved = bytesMoved
        let bytesAdvanced = bytesMoved.map { $0 - headerBytes }
        if bytesAdvanced == nil || bytesAdvanced != self.bytesAdvanced { advancedAt = elapsed }
        self.bytesAdvanced = bytesAdvanced
        nextCheck = min(elapsed + stall / Self.checksPerStall, max(elapsed, movedAt + stall))
    }

    /// The limit that is exceeded; to be read after a check that was due.
    var excess: Excess? {
        if let total, elapsed >= total { return .exceeded(total) }
        if let stall, elapsed - movedAt >= stall { return .stalled(stall) }
        if let stall, elapsed - advancedAt >= stall * Self.stallsWithoutHead {
            return .withoutHead(stall * Self.stallsWithoutHead)
        }
        return nil
    }

    /// When the next check is due or the total limit ends; nil while no time is counted.
    var deadline: Instant? {
        guard isCounting, stall != nil || total != nil else { return nil }
        let next = stall == nil ? total ?? .zero : min(total ?? nextCheck, nextCheck)
        return now + (next - elapsed)
    }
}
