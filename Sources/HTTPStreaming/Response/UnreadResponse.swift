/// Parses a response that was received by the socket but not read by libcurl when the connection broke.
///
/// A server that refuses a body and closes resets the connection. If sending fails before libcurl has read the
/// response, libcurl reports only the failure. ``SocketTracker`` reads the bytes from the socket before it is closed.
/// With TLS they are encrypted and cannot be used.
struct UnreadResponse {
    let status: Int
    /// The content received, without chunked framing.
    let content: [UInt8]
    let isComplete: Bool

    /// Nil if `bytes` do not hold the header of a final response.
    ///
    /// - Parameters:
    ///   - head: receives the header lines.
    ///   - onInterim: is called for each interim response, with its status and fields.
    init?(_ bytes: [UInt8], head: inout ResponseHeadReader, onInterim: (Int, HeaderFields) -> Void = { _, _ in }) {
        var rest = bytes[...]
        var status: Int?
        while status == nil, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[...end]
            rest = rest[(end + 1)...]
            status = line.withUnsafeBytes { head.append($0, mayBeSentAgain: false) }
            if let interim = head.endedInterim { onInterim(interim, head.fields) }
        }
        guard let status else { return nil }
        self.status = status
        var framing = ResponseFraming(status: status, head.fields)
        content = rest.withUnsafeBytes { framing.content(in: $0) }
        // Content that ends with the connection is not complete either: the connection was reset.
        isComplete = framing.isComplete
    }
}
