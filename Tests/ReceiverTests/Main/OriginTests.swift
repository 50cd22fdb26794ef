import Testing

@testable import server

@Suite struct OriginTests {
    @Test(
        arguments: [
            ("https://example.org", "https://example.org"), ("HTTPS://Example.ORG:443", "https://example.org"),
            ("http://example.org:80", "http://example.org"), ("https://example.org:80", "https://example.org:80"),
            ("http://[::1]:3000", "http://[::1]:3000"), ("*", "*"), ("example.org", nil), ("https://", nil),
            ("://example.org", nil), ("https://example.org/", nil), ("https://example.org?x", nil),
            ("https://me@example.org", nil), ("https://a b", nil), ("", nil), ("null", nil),
        ] as [(String, String?)])
    func asBrowsersWriteIt(argument: String, expected: String?) {
        #expect((try? Origin(argument))?.text == expected)
    }
}
