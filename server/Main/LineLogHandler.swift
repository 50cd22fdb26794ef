import Logging

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Writes one line for each message to standard error, in one piece, so that lines never mix.
struct LineLogHandler: LogHandler {
    enum Format: String, CaseIterable, Sendable {
        /// For people: `2026-11-27T05:36:37.123Z info server: POST / 201 bytes=3 …`
        case text
        /// For programs: one JSON object a line. Numbers are numbers.
        case json
    }

    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: Format

    init(label: String, format: Format) {
        self.label = label
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        var line =
            switch format {
            case .text: text(event, all)
            case .json: json(event, all)
            }
        line += "\n"
        Self.write(line)
    }

    private func text(_ event: LogEvent, _ metadata: Logger.Metadata) -> String {
        var line = "\(Self.time()) \(event.level) \(label): "
        Self.append(event.message.description, to: &line)
        // What the message says already: method, path and status.
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where !key.hasPrefix("http.") {
            line += " \(key)="
            let value = value.description
            if value.utf8.contains(UInt8(ascii: " ")) { line += "\"" }
            Self.append(value, to: &line)
            if value.utf8.contains(UInt8(ascii: " ")) { line += "\"" }
        }
        return line
    }

    private func json(_ event: LogEvent, _ metadata: Logger.Metadata) -> String {
        var line = "{\"time\":\"\(Self.time())\",\"level\":\"\(event.level)\",\"logger\":"
        Self.appendJSON(label, to: &line)
        line += ",\"message\":"
        Self.appendJSON(event.message.description, to: &line)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += ","
            Self.appendJSON(key, to: &line)
            line += ":"
            switch value {
            case .stringConvertible(let number as Int): line += number.description
            case .stringConvertible(let number as Double) where number.isFinite: line += number.description
            default: Self.appendJSON(value.description, to: &line)
            }
        }
        return line + "}"
    }

    /// A path, a reason: what a client has made up must not look like another line, or turn a terminal's colours.
    private static func append(_ text: String, to line: inout String) {
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                line += scalar.escaped(asASCII: true)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
    }

    private static func appendJSON(_ text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\0"..<" ", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }

    /// As RFC 3339 has it, with milliseconds.
    private static func time() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var (seconds, calendar) = (now.tv_sec, tm())
        gmtime_r(&seconds, &calendar)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let count = strftime(buffer.baseAddress, buffer.count, "%Y-%m-%dT%H:%M:%S", &calendar)
            let start = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let milliseconds = String(now.tv_nsec / 1_000_000)
            return start + "." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds + "Z"
        }
    }

    private static func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeBufferPointer(rebasing: rest)
                #if canImport(Darwin)
                let count = Darwin.write(STDERR_FILENO, part.baseAddress, part.count)
                #elseif canImport(Glibc)
                let count = Glibc.write(STDERR_FILENO, part.baseAddress, part.count)
                #elseif canImport(Musl)
                let count = Musl.write(STDERR_FILENO, part.baseAddress, part.count)
                #endif
                if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
            }
        }
    }
}
