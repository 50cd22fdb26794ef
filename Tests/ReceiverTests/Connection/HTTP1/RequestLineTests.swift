import Testing

@testable import Receiver

@Suite("Refused request lines")
struct RequestLineTests {
    @Test(
        "the line tells an unknown method and another HTTP version from nonsense",
        arguments: [
            ("BREW / HTTP/1.1\r\n", true, false), ("get / HTTP/1.1", true, false), ("NONSENSE\r\n x", false, false),
            ("\u{16}\u{3}\u{1} x", false, false), (" / HTTP/1.1", false, false), ("", false, false),
            ("A", false, false),
            (String(repeating: "A", count: 65) + " /", false, false), ("GET / HTTP/2.0\r\n", true, true),
            ("GET / HTTP/3\r\n", true, true), ("GET / HTTP/1.1\n", true, false), ("GET / HTTP/1.0 \r\n", true, false),
            ("GET / HTTP/x\r\n", true, false), ("GET / HTTP/\r\n", true, false), ("GET / RTSP/2.0\r\n", true, false),
            ("GET / a HTTP/2.0\r\n", true, false), ("GET /\r\nA: b HTTP/2.0", true, false),
        ])
    func reading(line: String, hasMethod: Bool, hasOtherVersion: Bool) {
        let read = RequestLine(line.utf8)
        #expect(read.hasMethod == hasMethod)
        #expect(read.hasOtherVersion == hasOtherVersion)
    }
}
