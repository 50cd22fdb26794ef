import Testing

@testable import Multipart

@Suite("Multipart parser, part headers", .timeLimit(.minutes(3)))
struct MultipartParserHeaderTests {
    private var harness: ParserHarness
    private let disposition = "Content-Disposition: form-data; name=\"n\"\r\n"

    init() throws { harness = ParserHarness(boundary: try Boundary("B")) }

    private func parse(_ header: String) async -> Outcome { await harness.parse("--B\r\n" + header + "x\r\n--B--") }

    /// The limit includes line ends and the empty line.
    @Test("the size of a part's header is limited") mutating func headerBytes() async {
        let header = disposition + "X: y\r\n\r\n"
        harness.limits.headerBytes = header.utf8.count
        #expect(await parse(header).contents == ["x"])
        harness.limits.headerBytes -= 1
        #expect(await parse(header) == Outcome(error: .headerTooLarge))
    }

    @Test("a header line without an end is limited") mutating func endlessLine() async {
        harness.limits.headerBytes = 100
        #expect(await harness.parse("--B\r\n" + String(repeating: "x", count: 100)).error == .truncated)
        #expect(await harness.parse("--B\r\n" + String(repeating: "x", count: 101)).error == .headerTooLarge)
        #expect(await harness.parse("--B\r\n" + String(repeating: "x", count: 99) + "\r\n").error == .headerTooLarge)
    }

    @Test("the default limits are the documented ones") func defaults() {
        let limits = MultipartParser.Limits()
        #expect(limits.headerBytes == 16_384 && limits.headerLines == 64 && limits.parts == 1_000)
        #expect(limits.preambleBytes == 8_192 && limits.epilogueBytes == 8_192)
    }

    @Test("each part's header is counted alone") mutating func eachPart() async {
        harness.limits.headerBytes = disposition.utf8.count + 2
        harness.limits.headerLines = 1
        let outcome = await harness.parse(String(repeating: "--B\r\n" + disposition + "\r\nx\r\n", count: 3) + "--B--")
        #expect(outcome.contents == ["x", "x", "x"])
        #expect(outcome.error == nil)
    }

    @Test("the number of header lines is limited") mutating func headerLines() async {
        harness.limits.headerLines = 3
        #expect(await parse(disposition + "X: y\r\n z\r\n\r\n").contents == ["x"])
        #expect(await parse(disposition + "X: y\r\n z\r\n z\r\n\r\n") == Outcome(error: .tooManyHeaderLines))
        harness.limits.headerLines = 0
        #expect(await parse(disposition + "\r\n") == Outcome(error: .tooManyHeaderLines))
    }

    @Test(
        "a malformed header is refused with the reason",
        arguments: [
            ("\r\n", MultipartError.Code.missingContentDisposition),
            ("X: y\r\n\r\n", .missingContentDisposition),
            ("\n", .malformedHeaderLine),
            ("Content-Disposition: form-data; name=n\n\r\n", .malformedHeaderLine),
            ("Content-Disposition: form-data; name=n\r\n\n", .malformedHeaderLine),
            ("Content-Disposition: form-data; name=n\r\r\n\r\n", .malformedHeaderLine),
            ("Content-Disposition: form-data; name=\"\r\n\"\r\n\r\n", .malformedHeaderLine),
            ("no colon\r\n\r\n", .malformedHeaderLine),
            ("Content-Disposition: attachment; name=n\r\n\r\n", .malformedContentDisposition),
        ])
    func malformed(header: String, expected: MultipartError.Code) async {
        #expect(await parse(header) == Outcome(error: expected))
    }

    @Test("a delimiter within a header is read as a header line") func delimiters() async {
        #expect(await parse("X: y\r\n--B--\r\n\r\n") == Outcome(error: .malformedHeaderLine))
        #expect(await parse("--B: y\r\n" + disposition + "\r\n").heads.first?.otherFields.map(\.name) == ["--B"])
    }
}
