/// A point in time of the clock that `ContinuousClock` reads.
///
/// The size of `ContinuousClock.Instant` is known to its library only: the runtime copies, compares and destroys
/// whatever holds one, a fifth of the processor time of a short request (`make bench-requests`).
package struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since an unspecified time in the past.
    @usableFromInline let nanoseconds: Int64

    @inlinable
    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static var now: Instant {
        var time = timespec()
        #if os(Linux)
        clock_gettime(CLOCK_BOOTTIME, &time)
        #else
        clock_gettime(CLOCK_MONOTONIC_RAW, &time)
        #endif
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    @inlinable
    package static func + (time: Instant, duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        // Longer durations count as a hundred years.
        let most: Int64 = 100 * 366 * 86_400
        let change = min(max(seconds, -most), most) * 1_000_000_000 + attoseconds / 1_000_000_000
        return Instant(nanoseconds: time.nanoseconds + change)
    }

    @inlinable
    package static func - (time: Instant, duration: Duration) -> Instant { time + (.zero - duration) }

    @inlinable
    package static func - (time: Instant, other: Instant) -> Duration {
        .nanoseconds(time.nanoseconds - other.nanoseconds)
    }

    @inlinable
    package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The earlier of two times; nil only if both are nil.
    @inlinable
    package static func earlier(_ time: Instant?, _ other: Instant?) -> Instant? {
        guard let time, let other else { return time ?? other }
        return min(time, other)
    }
}
