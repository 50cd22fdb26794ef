import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

enum LogTime {
    /// The last second of which a line was written. Many are, of a busy server's.
    private static let second = Mutex<(seconds: Int, text: String)>((-1, ""))

    /// Now, as RFC 3339 has it, with milliseconds: `2026-11-27T05:36:37.123Z`.
    static var now: String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let seconds = now.tv_sec
        let start = second.withLock { second in
            if second.seconds != seconds { second = (seconds, calendar(seconds)) }
            return second.text
        }
        let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
        return start + milliseconds + "Z"
    }

    private static func calendar(_ seconds: Int) -> String {
        var (seconds, calendar) = (time_t(seconds), tm())
        gmtime_r(&seconds, &calendar)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let count = strftime(buffer.baseAddress, buffer.count, "%Y-%m-%dT%H:%M:%S.", &calendar)
            return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
