import HTTPStreaming

/// Comparing files with what the server has stored: it reports a digest of each file, if it is asked for that
/// (`Want-Repr-Digest`, RFC 9530 §4).
enum Verification {
    /// Why the files are not known to be stored as they were sent; nil if they are.
    ///
    /// - Parameters:
    ///   - digests: of the files that were sent, as in a `Repr-Digest` field.
    ///   - answer: of the server: a document of JSON with a member `sha256`, in hex, for each part. The last ones are those of
    ///     the files.
    static func complaint(_ digests: [String?], answer: [UInt8]) -> String? {
        let reported = reportedDigests(in: answer)
        guard reported.count >= digests.count else {
            return "the server has accepted it, but reports no digest of what it has stored"
        }
        // The fields of a form come before its files.
        for (digest, reported) in zip(digests, reported.suffix(digests.count)) where digest != fieldValue(reported) {
            return "the server has stored other bytes than were sent: its digest is \(reported)"
        }
        return nil
    }

    /// The values of all members of that name, in order. Within strings of JSON, quotes are escaped.
    private static func reportedDigests(in answer: [UInt8]) -> [String] {
        String(decoding: answer, as: UTF8.self).split(separator: "\"sha256\":\"", omittingEmptySubsequences: false)
            .dropFirst().map { String($0.prefix { $0 != "\"" }) }
    }

    /// A digest in hex as in a `Repr-Digest` field; nil if it is none.
    static func fieldValue(_ hexadecimal: String) -> String? {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        guard digits.count == 64, hexadecimal.count == 64 else { return nil }
        // Base64 (RFC 4648 §4): 6 bits each, of 256, and padding.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bits = digits.flatMap { digit in (0..<4).map { digit >> (3 - $0) & 1 } } + [0, 0]
        let text = stride(from: 0, to: bits.count, by: 6).map { start in
            alphabet[bits[start..<(start + 6)].reduce(0) { $0 << 1 | $1 }]
        }
        return "sha-256=:\(String(text))=:"
    }
}
