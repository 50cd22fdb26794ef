import Testing

@testable import Receiver

@Suite("Range")
struct RequestedRangeTests {
    @Test(
        "a range is resolved within the size of the file",
        arguments: [
            ("bytes=0-0", 10, .part(0..<1)),
            ("bytes=0-9", 10, .part(0..<10)),
            ("bytes=2-5", 10, .part(2..<6)),
            ("bytes=2-", 10, .part(2..<10)),
            ("bytes=2-99", 10, .part(2..<10)),
            ("bytes=9-9", 10, .part(9..<10)),
            ("bytes=-1", 10, .part(9..<10)),
            ("bytes=-10", 10, .part(0..<10)),
            ("bytes=-99", 10, .part(0..<10)),
            ("BYTES= 0-1 ,", 10, .part(0..<2)),
            ("bytes=,,0-1", 10, .part(0..<2)),
            ("bytes=0-99999999999999999999999", 10, .part(0..<10)),
            ("bytes=-99999999999999999999999", 10, .part(0..<10)),
            ("bytes=10-", 10, .unsatisfiable),
            ("bytes=10-20", 10, .unsatisfiable),
            ("bytes=99999999999999999999999-", 10, .unsatisfiable),
            ("bytes=9223372036854775807-9223372036854775807", 10, .unsatisfiable),
            ("bytes=-0", 10, .unsatisfiable),
            ("bytes=0-", 0, .unsatisfiable),
            ("bytes=0-5", 0, .unsatisfiable),
            ("bytes=-0", 0, .unsatisfiable),
            ("bytes=-5", 0, .whole),
        ] as [(String, Int, RequestedRange.Resolution)])
    func resolving(field: String, size: Int, expected: RequestedRange.Resolution) {
        #expect(RequestedRange(field)?.resolved(in: size) == expected)
    }

    @Test(
        "invalid and multiple ranges are ignored",
        arguments: [
            "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=1-2,4-5", "bytes=1-2, -1", "bytes=+1-2",
            "bytes=1--2", "bytes=--1", "bytes=0x1-2", "items=0-1", "bytes:0-1", "bytes=1 - 2", "bytes=٣-٤", "0-1",
        ])
    func ignored(field: String) {
        #expect(RequestedRange(field) == nil)
    }
}
