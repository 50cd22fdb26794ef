/// An answer that had reached the socket, but not libcurl, when its connection broke.
///
/// A server that refuses a body and closes resets the connection; if a send meets the reset before
/// the answer was read, libcurl reports that, and the answer is lost with the socket. It is read
/// from there (``SocketTracker``) and taken apart here. Only what is there counts: it is known to be
/// complete, or cut off. With TLS it is ciphertext, which is no answer.
struct UnreadAnswer {
    let status: Int
    /// Without chunked framing.
    let content: ArraySlice<UInt8>
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
        if head.fields["transfer-encoding"]?.lowercased() == "chunked" {
            (content, isComplete) = Self.unchunked(rest)
        } else if let length = head.fields["content-length"].flatMap({ Int($0) }), length >= 0 {
            content = rest.prefix(length)
            isComplete = content.count == length
        } else {
            // Ended by the end of the connection (RFC 9112 §6.3), which was no orderly one.
            content = rest
            isComplete = false
        }
    }

    /// RFC 9112 §7.1.
    private static func unchunked(_ bytes: ArraySlice<UInt8>) -> (content: ArraySlice<UInt8>, isComplete: Bool) {
        var content: ArraySlice<UInt8> = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let digits = rest[..<end].prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "\r") }
            guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else { break }
            if size == 0 { return (content, true) }
            let chunk = rest[(end + 1)...].prefix(size)
            content += chunk
            guard chunk.count == size else { break }
            rest = rest[chunk.endIndex...].dropFirst(2)
        }
        return (content, false)
    }
}
