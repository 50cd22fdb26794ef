internal import Platform

/// A point in time of the clock that `ContinuousClock` reads. That one's `Instant` has a size which
/// only its library knows: whatever holds one is copied, compared and destroyed by the runtime, a fifth of
/// the processor time of a short request.
struct Instant: Comparable, Hashable, Sendable {
    /// Since some time in the past.
    private let nanoseconds: Int64

    static var now: Instant {
        var time = timespec()
        #if os(Linux)
        clock_gettime(CLOCK_BOOTTIME, &time)
        #else
        clock_gettime(CLOCK_MONOTONIC_RAW, &time)
        #endif
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    static func + (time: Instant, duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        // Beyond a hundred years there is no difference.
        let most: Int64 = 100 * 366 * 86_400
        let change = min(max(seconds, -most), most) * 1_000_000_000 + attoseconds / 1_000_000_000
        return Instant(nanoseconds: time.nanoseconds + change)
    }

    static func - (time: Instant, duration: Duration) -> Instant { time + (.zero - duration) }

    static func - (time: Instant, other: Instant) -> Duration { .nanoseconds(time.nanoseconds - other.nanoseconds) }

    static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The first of those that there are.
    static func earlier(_ time: Instant?, _ other: Instant?) -> Instant? {
        guard let time, let other else { return time ?? other }
        return min(time, other)
    }
}
