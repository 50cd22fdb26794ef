import Testing

@testable import Receiver

@Suite struct WantedDigestTests {
    @Test(arguments: [
        ("sha-256=10", true), ("sha-256=1", true), ("sha-512=3, sha-256=10", true), (" sha-256=5 ", true),
        ("sha-256=0", false), ("sha-256=11", false), ("sha-256=-1", false), ("sha-512=3", false), ("", false),
        ("sha-256", false), ("sha-256=\"10\"", false), ("sha-256=:AAAA:", false), ("=", false),
        ("sha-256=10, sha-256=0", false),
    ])
    func asksForSHA256(field: String, expected: Bool) {
        #expect(WantedDigest.includesSHA256(field) == expected)
    }
}
