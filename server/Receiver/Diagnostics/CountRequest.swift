import HTTPTypes

/// How far to count.
enum CountLimit: Hashable, Sendable {
    case number(Int)
    case infinity

    /// - Parameter text: digits, or `inf`.
    init?(_ text: String) {
        if text == "inf" {
            self = .infinity
        } else {
            guard let number = Int(text), number >= 0, text.utf8.first != UInt8(ascii: "+") else { return nil }
            self = .number(number)
        }
    }
}

/// A request for a line for each number from 1 on.
struct CountRequest: Hashable, Sendable {
    let limit: CountLimit
    /// Between two lines.
    let interval: Duration
    let representation: Representation

    /// - Parameter limit: nil for what is no number.
    /// - Throws: ``Refusal`` where the path, or `interval` in the query, says nothing that can be done.
    init(_ head: HTTPRequest, _ limit: CountLimit?) throws(Refusal) {
        guard let limit else { throw Refusal(.malformed, "count to a number, /count/10, or to inf") }
        self.limit = limit
        let query = (head.path ?? "").split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let value = query.split(separator: "&").last { $0.hasPrefix("interval=") }?.dropFirst("interval=".count)
        guard let seconds = value.map({ Double($0) }) ?? 1, (0...60).contains(seconds) else {
            throw Refusal(.malformed, "interval is a number of seconds, from 0 to 60")
        }
        interval = .seconds(seconds)
        representation = try .accepted(by: head)
    }
}
