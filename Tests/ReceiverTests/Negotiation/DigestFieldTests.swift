import HTTPTypes
import Multipart
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Digest fields")
struct DigestFieldTests {
    @Test(
        "Want-Repr-Digest asks for the algorithm with the largest weight from 1 to 10",
        arguments: [
            ("sha-256=10", .sha256), ("sha-256=1", .sha256), ("sha-512=3, sha-256=10", .sha256),
            ("sha-512=10, sha-256=3", .sha512), ("sha-512=5, sha-256=5", .sha256), (" sha-256=5 ", .sha256),
            ("sha-512=3", .sha512), ("sha-512=3, sha-256=0", .sha512), ("md5=10, sha-512=1", .sha512),
            ("sha-256=0", nil),
            ("sha-256=11", nil), ("sha-256=-1", nil), ("", nil), ("sha-256", nil), ("sha-256=\"10\"", nil),
            ("sha-256=:AAAA:", nil), ("=", nil), ("sha-256=10, sha-256=0", nil), ("md5=10", nil),
        ] as [(String, DigestAlgorithm?)])
    func wanted(field: String, expected: DigestAlgorithm?) {
        #expect(DigestField.wanted(field) == expected)
    }

    @Test("a field of 80 KiB takes linear time") func long() throws {
        let ratio = timeRatio(small: 625) { count in
            let members = (0..<count).map { "a\($0)=1" }.joined(separator: ",")
            #expect(DigestField.wanted(members) == nil)
            #expect(refusal { try ExpectedDigests([.reprDigest: members]) }?.code == .malformed)
        }
        #expect(ratio < linearTimeRatio)
    }

    private static let short = "AAAA"
    private static let whole = Base64.encoded([UInt8](repeating: 7, count: 32))

    @Test(
        "a malformed field is refused",
        arguments: [
            "sha-256", "sha-256=\(whole)", "sha-256=:\(short):", "sha-256=:\(whole)", "sha-256=:\(whole.dropLast(2)):",
            "sha-256=:!\(whole.dropFirst()):", "sha-256=(:\(whole):)", "sha-512=:\(whole):", "md5=1",
            "SHA-256=:\(whole):",
            "=", ",", "sha-256=:\(whole):,",
        ])
    func malformed(field: String) {
        for name in [HTTPField.Name.reprDigest, .contentDigest] {
            #expect(refusal { try ExpectedDigests([name: field]) }?.code == .malformed)
        }
        let part = PartHead(name: "x", otherFields: [HeaderField(name: "repr-digest", value: field)])
        #expect(refusal { try ExpectedDigests(part) }?.code == .malformed)
    }

    @Test(
        "padding may be missing; unknown algorithms are noted; several digests are read",
        arguments: [
            ("sha-256=:\(whole):", [.sha256], []), ("sha-256=:\(whole.dropLast()):", [.sha256], []),
            (" sha-256=:\(whole): ", [.sha256], []), ("sha-256=:\(whole):;a=1", [.sha256], []),
            ("md5=:AAAA:, sha-256=:\(whole):, unixsum=::", [.sha256], ["md5", "unixsum"]),
            ("crc32c=:AAAA:", [], ["crc32c"]),
            ("", [], []),
        ] as [(String, Set<DigestAlgorithm>, [String])])
    func accepted(field: String, algorithms: Set<DigestAlgorithm>, unknown: [String]) throws {
        let digests = try ExpectedDigests([.reprDigest: field])
        #expect(digests.algorithms == algorithms)
        #expect(digests.unknown == unknown)
        let computed: Digests = [.sha256: [UInt8](repeating: 7, count: 32)]
        let checked = try digests.check(computed, of: "the body")
        #expect(checked.verified == algorithms.map(\.rawValue) && checked.ignored == unknown)
        if !algorithms.isEmpty {
            let error = refusal { try digests.check([.sha256: [UInt8](repeating: 8, count: 32)], of: "the body") }
            #expect(error?.message.contains("sha-256=:CAgI") == true)
        }
    }
}
