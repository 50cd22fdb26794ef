import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A line that is being written.
struct Line {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(256) }

    /// What needs no escaping.
    mutating func plain(_ text: String) { bytes += text.utf8 }

    /// A path, a reason: what a client has made up must not look like another line, or turn a terminal's colours.
    mutating func text(_ text: String) {
        guard !text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return plain(text) }
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: plain(scalar.escaped(asASCII: true))
            default: plain(String(scalar))
            }
        }
    }

    /// As a JSON string (RFC 8259 §7).
    mutating func json(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                plain("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Now, as RFC 3339 has it, with milliseconds: `2026-11-27T05:36:37.123Z`.
    mutating func time() {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let seconds = now.tv_sec
        bytes += Self.second.withLock { second in
            if second.seconds != seconds { second = (seconds, Self.calendar(seconds)) }
            return second.text
        }
        let milliseconds = now.tv_nsec / 1_000_000
        for divisor in [100, 10, 1] { bytes.append(UInt8(ascii: "0") + UInt8(milliseconds / divisor % 10)) }
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Writes it to standard error, in one piece.
    mutating func end() {
        bytes.append(UInt8(ascii: "\n"))
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = write(STDERR_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
            }
        }
    }

    /// The last one of which a line was written. Many are, of a busy server's.
    private static let second = Mutex<(seconds: Int, text: [UInt8])>((-1, []))

    private static func calendar(_ seconds: Int) -> [UInt8] {
        var (seconds, calendar) = (time_t(seconds), tm())
        gmtime_r(&seconds, &calendar)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let count = strftime(buffer.baseAddress, buffer.count, "%Y-%m-%dT%H:%M:%S.", &calendar)
            return buffer[..<count].map { UInt8(bitPattern: $0) }
        }
    }
}
