import Foundation

/// What a server can do wrong, by name, for the handlers of a ``FaultServer``. See also
/// ``RawConnection/reset()`` and ``RawConnection/finishSending()``.
extension RawConnection {
    /// Sends text a byte at a time, or as many as given.
    public func drip(_ text: String, every milliseconds: UInt32, bytes: Int = 1) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try send(Array(rest.prefix(bytes)))
            rest = rest.dropFirst(bytes)
            usleep(milliseconds * 1000)
        }
    }

    /// Neither reads nor sends until the peer has closed, or for half a minute.
    public func stall() {
        for _ in 0..<3000 where !hasPeerClosed { usleep(10_000) }
    }

    /// Ends the connection in order, whatever the peer is still sending: that is read and thrown away, until
    /// it has closed too. Just closing would reset, if something is unread.
    public func hangUp() throws {
        finishSending()
        while try !receiveSome().isEmpty {}
    }

    /// An interim response (RFC 9110 §15.2).
    public func sendInterim(_ status: Int, fields: String = "") throws {
        try send("HTTP/1.1 \(status) Interim\r\n\(fields)\r\n")
    }

    /// A response in chunks, one for each text.
    ///
    /// - Parameter isEnded: whether the last chunk is there, without which it is cut off.
    public func respondChunked(
        _ status: Int, _ chunks: [String], fields: String = "", isEnded: Bool = true
    ) throws {
        let framed = chunks.map { String($0.utf8.count, radix: 16) + "\r\n\($0)\r\n" }.joined()
        try send("HTTP/1.1 \(status) Status\r\nTransfer-Encoding: chunked\r\n\(fields)\r\n\(framed)")
        if isEnded { try send("0\r\n\r\n") }
    }

    /// The beginning of a response: its content is cut off after so many bytes.
    public func respondPartly(_ status: Int, length: Int, sent: Int, fields: String = "") throws {
        try send("HTTP/1.1 \(status) Status\r\nContent-Length: \(length)\r\n\(fields)\r\n")
        try send([UInt8](repeating: 0x78, count: sent))
    }

    /// Header lines of a kibibyte each.
    public static func headerLines(kibibytes: Int) -> String {
        (0..<kibibytes).map { number in
            let name = "X-\(number): "
            return name + String(repeating: "y", count: 1022 - name.utf8.count) + "\r\n"
        }.joined()
    }

    /// Reads of a body, however it is framed, until at least so many bytes of it are here.
    ///
    /// - Returns: how many.
    public func readBody(of head: RequestHead, atLeast count: Int) throws -> Int {
        guard head["transfer-encoding"] == "chunked" else { return try receive(count: count).count }
        var read = 0
        while read < count, case let chunk = try readChunk(), !chunk.isEmpty { read += chunk.count }
        return read
    }

    /// Whether that is what comes next, or nothing at all; it stays for the next call.
    public func isNext(_ text: String) throws -> Bool {
        let text = Array(text.utf8)
        return try peek(text.count).elementsEqual(text) || isEnded()
    }

    /// Reads what is left of a body of which `count` bytes have been read.
    public func readRest(of head: RequestHead, after count: Int) throws {
        guard head["transfer-encoding"] == "chunked" else {
            let length = head["content-length"].flatMap { Int($0) } ?? 0
            _ = try receive(count: length - count)
            return
        }
        while case let chunk = try readChunk(), !chunk.isEmpty {}
    }
}
