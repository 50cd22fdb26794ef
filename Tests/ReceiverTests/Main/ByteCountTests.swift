import Testing

@testable import server

@Suite struct ByteCountTests {
    @Test(
        arguments: [
            ("0", 0), ("1000", 1000), ("64K", 65536), ("1m", 1 << 20), ("16G", 16 << 30), ("2T", 2 << 40),
            ("9223372036854775807", Int.max), ("", nil), ("K", nil), ("-1", nil), ("+1", nil), ("1.5G", nil),
            ("10 G", nil),
            ("1KB", nil), ("9223372036854775807K", nil), ("1P", nil),
        ] as [(String, Int?)])
    func reading(argument: String, expected: Int?) {
        #expect((try? ByteCount(argument))?.bytes == expected)
    }
}
