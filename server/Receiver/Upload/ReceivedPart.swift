import Multipart
import Platform

/// A part of a form as the response reports it.
struct ReceivedPart: Hashable, Sendable {
    let name: String
    /// Nil for a field.
    let filename: String?
    let contentType: String?
    /// The names of the part's header fields that have no effect, as sent.
    var ignoredFields: [String] = []
    /// The digests in the part's header.
    var expected: ExpectedDigests?
    /// Of the whole content, in bytes.
    var size = 0
    /// Nil for a file.
    var value: FieldValue?
    /// Nil unless the part is a stored file.
    var savedAs: String?
    /// In hexadecimal; nil unless the request asked for them.
    var sha256: String?
    var sha512: String?
    /// What became of the digests in the part's header.
    var checked = CheckedDigests()
}

extension ReceivedPart: Encodable {
    private enum CodingKeys: String, CodingKey {
        case name, filename
        case contentType = "content_type"
        case size, value, truncated
        case savedAs = "saved_as"
        case sha256, sha512
        case ignoredFields = "ignored_fields"
        case verifiedDigests = "verified_digests"
        case ignoredDigests = "ignored_digests"
    }

    func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(name, forKey: .name)
        try members.encodeIfPresent(filename, forKey: .filename)
        try members.encodeIfPresent(contentType, forKey: .contentType)
        try members.encode(size, forKey: .size)
        try members.encodeIfPresent(value?.text, forKey: .value)
        if value?.isTruncated == true { try members.encode(true, forKey: .truncated) }
        try members.encodeIfPresent(savedAs, forKey: .savedAs)
        try members.encodeIfPresent(sha256, forKey: .sha256)
        try members.encodeIfPresent(sha512, forKey: .sha512)
        if !ignoredFields.isEmpty { try members.encode(ignoredFields, forKey: .ignoredFields) }
        if !checked.verified.isEmpty { try members.encode(checked.verified, forKey: .verifiedDigests) }
        if !checked.ignored.isEmpty { try members.encode(checked.ignored, forKey: .ignoredDigests) }
    }
}

/// The beginning of a field's value that the response repeats.
struct FieldValue: Hashable, Sendable {
    private(set) var bytes: [UInt8] = []
    /// Whether the value is longer than `bytes`.
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

    /// If the bytes are not UTF-8, they are read as Latin-1.
    var text: String { String(utf8OrLatin1: bytes) }

    /// Removes the first bytes of a scalar that the limit has cut.
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
