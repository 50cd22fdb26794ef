import Testing

@testable import server

@Suite("Values of options")
struct OptionValuesTests {
    @Test(
        "sizes have an optional suffix; others are invalid",
        arguments: [
            ("0", 0), ("1000", 1000), ("64K", 65536), ("1m", 1 << 20), ("16G", 16 << 30), ("2T", 2 << 40),
            ("9223372036854775807", Int.max), ("", nil), ("K", nil), ("-1", nil), ("+1", nil), ("1.5G", nil),
            ("10 G", nil),
            ("1KB", nil), ("9223372036854775807K", nil), ("1P", nil),
        ] as [(String, Int?)])
    func sizes(argument: String, expected: Int?) {
        #expect((try? ByteCount(argument))?.bytes == expected)
    }

    @Test(
        "origins are normalized as browsers write them; others are invalid",
        arguments: [
            ("https://example.org", "https://example.org"), ("HTTPS://Example.ORG:443", "https://example.org"),
            ("http://example.org:80", "http://example.org"), ("https://example.org:80", "https://example.org:80"),
            ("http://[::1]:3000", "http://[::1]:3000"), ("*", "*"), ("example.org", nil), ("https://", nil),
            ("://example.org", nil), ("https://example.org/", nil), ("https://example.org?x", nil),
            ("https://me@example.org", nil), ("https://a b", nil), ("", nil), ("null", nil),
        ] as [(String, String?)])
    func origins(argument: String, expected: String?) {
        #expect((try? Origin(argument))?.text == expected)
    }
}
