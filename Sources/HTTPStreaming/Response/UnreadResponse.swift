/// An answer that had reached the socket, but not libcurl, when its connection broke.
///
/// A server that refuses a body and closes resets the connection; if a send meets the reset before
/// the answer was read, libcurl reports that, and the answer is lost with the socket. It is read
/// from there (``SocketTracker``) and taken apart here. Only what is there counts: it is known to be
/// complete, or cut off. With TLS it is ciphertext, which is no answer.
struct UnreadResponse {
    let status: Int
    /// Without chunked framing.
    let content: [UInt8]
    let isComplete: Bool

    /// Nil if `bytes` do not hold the header of a final response.
    ///
    /// - Parameter head: takes the fields.
    init?(_ bytes: [UInt8], head: inout ResponseHeadReader) {
        var rest = bytes[...]
        var status: Int?
        while status == nil, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[...end]
            rest = rest[(end + 1)...]
            status = line.withUnsafeBytes { head.append($0, mayBeSentAgain: false) }
        }
        guard let status else { return nil }
        self.status = status
        var framing = ResponseFraming(status: status, head.fields)
        content = rest.withUnsafeBytes { framing.content(in: $0) }
        // What is ended by the end of the connection was ended by no orderly one here.
        isComplete = framing.isComplete
    }
}
