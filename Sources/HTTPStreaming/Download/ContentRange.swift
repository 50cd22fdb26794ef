/// The range of a representation that a 206 or 416 response describes (RFC 9110 §14.4).
struct ContentRange: Equatable {
    /// The offsets of the first byte and of the one behind the last; nil if the range is unsatisfiable.
    let bytes: Range<Int64>?
    /// The length of the whole representation, in bytes; nil if the server does not know it.
    let length: Int64?

    /// Reads the value of a Content-Range field: `bytes 100-199/1000`, `bytes 100-199/*` or `bytes */1000`.
    /// Nil if it is another unit, is malformed, or contradicts itself.
    init?(_ value: String) {
        let words = value.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        length = Self.number(parts[1])
        guard length != nil || parts[1] == "*" else { return nil }
        if parts[0] == "*" {
            guard length != nil else { return nil }
            bytes = nil
            return
        }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last,
            last < length ?? .max
        else { return nil }
        bytes = first..<(last + 1)
    }

    private static func number(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
    }
}
