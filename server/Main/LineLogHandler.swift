import Logging
import Receiver

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
        var line = Line()
        let all = event.metadata.map { metadata.isEmpty ? $0 : metadata.merging($0) { $1 } } ?? metadata
        switch format {
        case .text: writeText(event, all, to: &line)
        case .json: writeJSON(event, all, to: &line)
        }
        line.end()
    }

    private func writeText(_ event: LogEvent, _ metadata: Logger.Metadata, to line: inout Line) {
        line.plain("\(LogTime.now) \(event.level.rawValue) \(label): ")
        line.text(event.message.description)
        // What the message says already: method, path and status.
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where !key.hasPrefix("http.") {
            line.plain(" \(key)=")
            let value = value.description
            let isQuoted = value.utf8.contains(UInt8(ascii: " "))
            if isQuoted { line.plain("\"") }
            line.text(value, isQuoted: isQuoted)
            if isQuoted { line.plain("\"") }
        }
    }

    private func writeJSON(_ event: LogEvent, _ metadata: Logger.Metadata, to line: inout Line) {
        var json = JSONText()
        json.object { members in
            members.member("time", LogTime.now)
            members.member("level", event.level.rawValue)
            members.member("logger", label)
            members.member("message", event.message.description)
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
                switch value {
                case .stringConvertible(let number as Int): members.member(key, number)
                case .stringConvertible(let number as Double) where number.isFinite: members.member(key, number)
                default: members.member(key, value.description)
                }
            }
        }
        line.plain(json.text)
    }
}
