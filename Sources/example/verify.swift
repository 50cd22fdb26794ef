import HTTPStreaming

/// Compares the digests that were computed while files were sent with those that the server reports for what it has
/// stored; exits if they differ.
func verify(_ digests: [ContentDigest], with answer: [UInt8]) {
    let reported = reportedDigests(in: answer, digests.first?.algorithm ?? .sha256)
    guard reported.count == digests.count else {
        fail("the server did not report a digest of each file: nothing is verified")
    }
    for (index, (digest, reported)) in zip(digests, reported).enumerated() where digest.hexadecimal != reported {
        fail(
            "file \(index + 1) is not stored as it was sent: its digest is \(digest.hexadecimal), the server's is \(reported)"
        )
    }
    show(Array("verified: the digests of the stored files are those of the files sent\n".utf8))
}

/// The values of all members of that name in a report, in order. Within strings of JSON, quotes are escaped.
private func reportedDigests(in answer: [UInt8], _ algorithm: DigestAlgorithm) -> [String] {
    let member = algorithm == .sha256 ? "\"sha256\":\"" : "\"sha512\":\""
    let pieces = String(decoding: answer, as: UTF8.self).split(separator: member, omittingEmptySubsequences: false)
    return pieces.dropFirst().map { String($0.prefix { $0 != "\"" }) }
}

extension ContentDigest {
    fileprivate var hexadecimal: String {
        (bytes ?? []).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
