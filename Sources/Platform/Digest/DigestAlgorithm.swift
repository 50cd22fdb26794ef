/// A hash algorithm of digest fields (RFC 9530 §5).
public enum DigestAlgorithm: String, Hashable, Sendable, CaseIterable, Codable {
    /// SHA-256 (FIPS 180-4), 32 bytes.
    case sha256 = "sha-256"
    /// SHA-512 (FIPS 180-4), 64 bytes.
    case sha512 = "sha-512"

    /// The length of a digest in bytes.
    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha512: 64
        }
    }

    /// A member of a `Repr-Digest` or `Content-Digest` field: `sha-256=:…:`, in base64.
    package func fieldValue(_ digest: [UInt8]) -> String { "\(rawValue)=:\(Base64.encoded(digest)):" }
}

/// Base64 (RFC 4648 §4).
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// With padding.
    package static func encoded(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for index in 0..<4 {
                let digit = alphabet[Int(value >> (18 - 6 * UInt32(index)) & 63)]
                text.append(index <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Padding may be missing, and the unused bits may have any value (RFC 8941 §4.2.7).
    ///
    /// - Returns: nil for text that is not base64.
    package static func decoded(_ text: some StringProtocol) -> [UInt8]? {
        var digits = Array(text.utf8)
        while digits.last == UInt8(ascii: "="), digits.count % 4 == 0 || digits.count % 4 == 3 { digits.removeLast() }
        guard digits.count % 4 != 1 else { return nil }
        var (bytes, value, bits): ([UInt8], UInt32, UInt32) = ([], 0, 0)
        for digit in digits {
            guard let index = alphabet.firstIndex(of: digit) else { return nil }
            value = value << 6 | UInt32(index)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> bits))
        }
        return bytes
    }
}
