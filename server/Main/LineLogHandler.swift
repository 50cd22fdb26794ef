import Logging
import Receiver

/// Writes one line for each message.
struct LineLogHandler: LogHandler {
    enum Format: String, CaseIterable, Sendable {
        /// For people: `2026-11-27T05:36:37.123Z info server: POST / 201 bytes=3 …`
        case text
        /// For programs: one JSON object for each line. Numbers are JSON numbers.
        case json
    }

    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    let label: String
    let format: Format
    let queue: LogQueue

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = event.metadata.map { metadata.isEmpty ? $0 : metadata.merging($0) { $1 } } ?? metadata
        queue.append(LogLine(event.level, event.message, all, label: label, format: format))
    }
}

extension LogLine {
    init(
        _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata = [:], label: String,
        format: LineLogHandler.Format
    ) {
        self.init()
        switch format {
        case .text: append(level, message, metadata, label)
        case .json: append(Self.json(level, message, metadata, label))
        }
        end()
    }

    private mutating func append(
        _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata, _ label: String
    ) {
        append("\(Self.time) \(level.rawValue) \(label): ")
        append(escaping: message.description)
        // The message already has method, path and status.
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where !key.hasPrefix("http.") {
            append(" \(key)=")
            let value = value.description
            let isQuoted = value.utf8.contains(UInt8(ascii: " "))
            if isQuoted { append("\"") }
            append(escaping: value, isQuoted: isQuoted)
            if isQuoted { append("\"") }
        }
    }

    private static func json(
        _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata, _ label: String
    ) -> String {
        var members = metadata.mapValues(Member.init)
        members["time"] = .text(time)
        members["level"] = .text(level.rawValue)
        members["logger"] = .text(label)
        members["message"] = .text(message.description)
        return JSON.text(members)
    }

    private enum Member: Encodable {
        case integer(Int)
        case number(Double)
        case text(String)

        init(_ value: Logger.MetadataValue) {
            switch value {
            case .stringConvertible(let number as Int): self = .integer(number)
            case .stringConvertible(let number as Double) where number.isFinite: self = .number(number)
            default: self = .text(value.description)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .integer(let number): try container.encode(number)
            case .number(let number): try container.encode(number)
            case .text(let text): try container.encode(text)
            }
        }
    }
}
