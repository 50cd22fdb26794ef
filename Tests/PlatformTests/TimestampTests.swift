import Testing

@testable import Platform

@Suite("Dates")
struct TimestampTests {
    private static let now = Timestamp(seconds: 1_795_262_400)  // 2026-11-21

    @Test(
        "all three forms of HTTP dates are read, others are invalid",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
            ("Friday, 01-Jan-76 00:00:00 GMT", 3_345_062_400),
            ("Saturday, 01-Jan-77 00:00:00 GMT", 220_924_800),
            ("", nil), ("yesterday", nil), ("1994-11-06T08:49:37Z", nil), ("Sun, 06 Nov 1994 08:49:37 CET", nil),
            ("Sun, 06 Nov 1994 08:49 GMT", nil), ("Sun, 32 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 24:00:00 GMT", nil), ("Sun, 06 Non 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 08:49:37 GMT x", nil), ("Sun, 06 Nov 99999 08:49:37 GMT", nil),
        ] as [(String, Int?)])
    func reading(text: String, expected: Int?) {
        #expect(Timestamp(httpDate: text, now: Self.now)?.seconds == expected)
    }

    @Test(
        "dates are written as IMF-fixdate and RFC 3339",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59Z"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59Z"),
        ])
    func writing(seconds: Int, http: String, rfc3339: String) {
        #expect(Timestamp(seconds: seconds).httpDate == http)
        #expect(Timestamp(seconds: seconds).rfc3339 == rfc3339)
        #expect(Timestamp(httpDate: http, now: Self.now)?.seconds == seconds)
    }
}
