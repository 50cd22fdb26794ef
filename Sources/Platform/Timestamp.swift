/// A time to the second, as HTTP and JSON write it. The C library does the calendar; a process of this package never
/// leaves the locale `C`, in which the names of days and months are English.
package struct Timestamp: Hashable, Comparable, Sendable {
    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Seconds since the beginning of 1970, UTC.
    package let seconds: Int

    package init(seconds: Int) { self.seconds = seconds }

    package static var now: Timestamp { Timestamp(seconds: time(nil)) }

    /// Reads an `HTTP-date` in any of its three forms (RFC 9110 §5.6.7).
    ///
    /// - Parameter now: decides the century of the obsolete form of RFC 850, which has two digits of the year.
    package init?(httpDate text: String, now: Timestamp) {
        let words = text.split { " ,-:".contains($0) }
        let fields: (day: Substring, month: Substring, year: Substring, time: ArraySlice<Substring>)
        switch words.count {
        // Sun, 06 Nov 1994 08:49:37 GMT, and Sunday, 06-Nov-94 08:49:37 GMT.
        case 8 where words[7] == "GMT": fields = (words[1], words[2], words[3], words[4...6])
        // Sun Nov  6 08:49:37 1994
        case 7: fields = (words[2], words[1], words[6], words[3...5])
        default: return nil
        }
        let time = fields.time.compactMap { Int32($0) }
        guard let month = Self.months.firstIndex(of: fields.month), let day = Int32(fields.day),
            var year = Int32(fields.year), time.count == 3, (1...31).contains(day), (0...9999).contains(year),
            (0...23).contains(time[0]), (0...59).contains(time[1]), (0...60).contains(time[2])
        else { return nil }
        if fields.year.count == 2 {
            let thisYear = now.calendar.tm_year + 1900
            year += thisYear / 100 * 100
            // More than 50 years ahead means the century before.
            if year > thisYear + 50 { year -= 100 }
        }
        var calendar = tm()
        (calendar.tm_year, calendar.tm_mon, calendar.tm_mday) = (year - 1900, Int32(month), day)
        (calendar.tm_hour, calendar.tm_min, calendar.tm_sec) = (time[0], time[1], time[2])
        seconds = timegm(&calendar)
    }

    /// Reads a time of RFC 3339 in UTC, such as `1994-11-06T08:49:37.000Z`. Fractions of a second are dropped.
    package init?(rfc3339 text: String) {
        let fields = text.split { "-T:.Z".contains($0) }.compactMap { Int32($0) }
        guard text.hasSuffix("Z"), (6...7).contains(fields.count), (1...12).contains(fields[1]),
            (1...31).contains(fields[2])
        else { return nil }
        var calendar = tm()
        (calendar.tm_year, calendar.tm_mon, calendar.tm_mday) = (fields[0] - 1900, fields[1] - 1, fields[2])
        (calendar.tm_hour, calendar.tm_min, calendar.tm_sec) = (fields[3], fields[4], fields[5])
        seconds = timegm(&calendar)
    }

    /// As `IMF-fixdate`: `Sun, 06 Nov 1994 08:49:37 GMT`.
    package var httpDate: String { formatted("%a, %d %b %Y %H:%M:%S GMT") }

    /// As RFC 3339 writes it: `1994-11-06T08:49:37Z`.
    package var rfc3339: String { formatted("%Y-%m-%dT%H:%M:%SZ") }

    /// `1994-11-06 08:49`, in UTC, for people.
    package var toTheMinute: String { formatted("%Y-%m-%d %H:%M") }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }

    private var calendar: tm {
        var (time, calendar) = (time_t(seconds), tm())
        gmtime_r(&time, &calendar)
        return calendar
    }

    private func formatted(_ format: String) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            var calendar = calendar
            let count = strftime(buffer.baseAddress, buffer.count, format, &calendar)
            return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
