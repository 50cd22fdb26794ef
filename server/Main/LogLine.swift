import Platform
import Synchronization

/// One line of the log.
struct LogLine {
    /// The last second in which a line was written: formatting it for each line takes about 3 µs of the
    /// 80 µs of processor time of a short request (`make bench-server`).
    private static let second = Mutex<(seconds: Int, text: Substring)>((-1, ""))

    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(256) }

    /// The current time in RFC 3339 format, with milliseconds: `2026-11-27T05:36:37.123Z`.
    static var time: String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let seconds = now.tv_sec
        let text = second.withLock { second in
            if second.seconds != seconds { second = (seconds, Timestamp(seconds: seconds).rfc3339.dropLast()) }
            return second.text
        }
        return "\(text).\(String(1000 + now.tv_nsec / 1_000_000).dropFirst())Z"
    }

    /// Appends text that needs no escaping.
    mutating func append(_ text: String) { bytes += text.utf8 }

    /// Appends text that may come from a client. Escapes what would look like another line or change the colours of a
    /// terminal.
    ///
    /// - Parameter isQuoted: whether the text stands between quotation marks.
    mutating func append(escaping text: String, isQuoted: Bool = false) {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        guard !isPlain else { return append(text) }
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: append(scalar.escaped(asASCII: true))
            default: append(isQuoted && scalar == "\"" ? "\\\"" : String(scalar))
            }
        }
    }

    mutating func end() { bytes.append(ASCII.lf) }
}
