/// As much of a field's value as an answer repeats.
struct FieldValue: Hashable, Sendable {
    private(set) var bytes: [UInt8] = []
    /// Whether the field is longer than what was kept.
    private(set) var isTruncated = false

    /// Keeps the next bytes, up to `limit` in all.
    mutating func append(_ more: UnsafeRawBufferPointer, limit: Int) {
        guard !isTruncated else { return }
        let room = max(0, limit - bytes.count)
        bytes += more.prefix(room)
        guard more.count > room else { return }
        isTruncated = true
        removePartialScalar()
    }

    /// What is not UTF-8 reads as U+FFFD.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A cut may have gone through a scalar, whose first bytes are then worth nothing.
    private mutating func removePartialScalar() {
        // A scalar has four bytes at most, all but the first of the form 10xxxxxx.
        guard let lead = bytes.suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return }
        let length =
            switch bytes[lead] {
            case 0xC0..<0xE0: 2
            case 0xE0..<0xF0: 3
            case 0xF0...: 4
            default: 1
            }
        if lead + length > bytes.count { bytes.removeSubrange(lead...) }
    }
}
