/// What libcurl lets pass, or not all of its versions refuse.
extension ResponseHeadReader {
    /// Bytes of all headers of one request, informational ones included, which libcurl from 8.3 on, and what
    /// distributions have made of older ones, has as its limit too.
    static let limit = 300 << 10

    /// Why a response with this head cannot be read; nil if it can.
    static func complaint(about status: Int, _ fields: HeaderFields) -> String? {
        // What comes behind is another protocol (RFC 9110 §15.2.2); libcurl would wait for its end.
        guard status != 101 else { return "the server switched protocols, status 101, without having been asked to" }
        // Several lengths, or none that is a number, say nothing of where the content ends (RFC 9112 §6.3);
        // libcurl takes the last one, and for one too big the end of the connection.
        let values = fields.values(of: "content-length")
        // What is usual first.
        if values.isEmpty || values.count == 1 && length(values[0][...]) != nil { return nil }
        let lengths = values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map(length)
        guard lengths.allSatisfy({ $0 != nil && $0 == lengths[0] }) else {
            return "the Content-Length of the response is malformed, or there are several"
        }
        return nil
    }

    private static func length(_ text: Substring) -> Int64? {
        let digits = text.drop { $0 == " " }
        return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(digits) : nil
    }
}
