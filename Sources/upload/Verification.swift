import HTTPStreaming

/// Comparing files with what the server has stored: it reports a digest of each file, if it is asked for that
/// (`Want-Repr-Digest`, RFC 9530 §4).
enum Verification {
    /// The digests of the files of a request, which are read for that, as in `Repr-Digest` fields.
    ///
    /// - Throws: ``ClientError``.
    static func digests(of job: Job) async throws -> [String?] {
        var digests: [String?] = []
        for file in job.files {
            digests.append(try await Part.file(file.path).withDigest().headerFields["Repr-Digest"])
        }
        return digests
    }

    /// Why the files are not stored as they were sent; nil if they are.
    ///
    /// - Parameters:
    ///   - digests: of the files, as in a `Repr-Digest` field.
    ///   - reported: those of the server, in hex.
    static func complaint(_ digests: [String?], _ reported: [String]) -> String? {
        for (digest, reported) in zip(digests, reported) where digest != fieldValue(reported) {
            return "the server has stored other bytes than were sent: its digest is \(reported)"
        }
        return nil
    }

    /// What the server reports of each part, in hex: the members `sha256` of a document of JSON, in which quotes within
    /// strings are escaped. The fields of a form come before its files.
    static func reportedDigests(in answer: [UInt8]) -> [String] {
        String(decoding: answer, as: UTF8.self).split(separator: "\"sha256\":\"", omittingEmptySubsequences: false)
            .dropFirst().map { String($0.prefix { $0 != "\"" }) }.filter { fieldValue($0) != nil }
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
