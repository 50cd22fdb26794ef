import Testing

@testable import Multipart

@Suite("Multipart parser, delimiters", .timeLimit(.minutes(3)))
struct MultipartParserDelimiterTests {
    private let harness: ParserHarness
    private let head = "--B\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n"

    init() throws { harness = ParserHarness(boundary: try Boundary("B")) }

    @Test(
        "bytes that only resemble a delimiter are content",
        arguments: [
            "\r\n--b", "\r\n--Bx", "\r\n--BB", "\r\n--B-", "\r\n--B-x-", "\r\n--B-\r\n", "\r\n--B\n", "\r\n--B\0",
            "\n--B\r\n", "\r--B\r\n", "\r\n-B\r\n", "\r\n--B\r", "\r\n--B\rx", "\r\n--B\r\r\n--B\r\r",
            "\r\r\n\r\n-\r\n--\r\n--\r",
            "\r\n--B-\r\n--B-\r\n--B-", "\r\n--Bx--", "\r\n ---B--", "x--B--", "\r\n--B\r\r\n--Bx",
        ])
    func lookalikes(lookalike: String) async {
        for content in [lookalike, "x" + lookalike, lookalike + "x", lookalike + lookalike, lookalike + "\r\n"] {
            let outcome = await harness.parse(head + content + "\r\n--B--\r\n")
            #expect(outcome.contents == [content], "\(content.debugDescription)")
            #expect(outcome.messageEnded && outcome.error == nil)
        }
    }

    /// Directly after a header, whose CRLF counts as the delimiter's.
    @Test(
        "bytes that resemble a delimiter are content directly after a header too",
        arguments: ["--Bx", "--B-x", "--B\rx", "-", "--", "--b", "--B-\r\n--B-x", "--B\n"])
    func lookalikesFirst(content: String) async {
        let outcome = await harness.parse(head + content + "\r\n--B--\r\n")
        #expect(outcome.contents == [content])
        #expect(outcome.messageEnded && outcome.error == nil)
    }

    @Test(
        "spaces and tabs after a boundary are accepted",
        arguments: [" ", "\t", " \t  \t", String(repeating: " ", count: 100)])
    func padding(padding: String) async {
        let padded = head.replacing("--B", with: "--B" + padding)
        let outcome = await harness.parse(padded + "x\r\n" + padded + "y\r\n--B--" + padding + "\r\n")
        #expect(outcome.contents == ["x", "y"])
        #expect(outcome.messageEnded && outcome.error == nil)
    }

    @Test(
        "anything but a line end after the padding is refused",
        arguments: [" x", "\t--", " \rx", " \r\r\n", " \n", "  \0", " B\r\n"])
    func afterPadding(tail: String) async {
        #expect(await harness.parse("--B" + tail) == Outcome(error: .malformedDelimiter))
        let outcome = await harness.parse(head + "x\r\n--B" + tail)
        #expect(outcome.contents == ["x"])
        #expect(outcome.error == .malformedDelimiter)
    }

    @Test(
        "lines of a message may end with LF alone if the first one does",
        arguments: ["", "x", "\n", "\r\n", "x\r", "\r\n--B\r", "--Bx", "\n--B\r\n", "\n--B-\n"])
    func bareLF(content: String) async {
        let head = head.replacing("\r\n", with: "\n")
        let outcome = await harness.parse(head + content + "\n--B \n" + head.dropFirst("--B\n".count) + "y\n--B--\n")
        #expect(outcome.contents == [content, "y"])
        #expect(outcome.messageEnded && outcome.error == nil)
    }

    @Test(
        "a bare LF ends no delimiter that is not the first line",
        arguments: ["\r\n--B\n", "\n--B\n", "preamble\n--B\n", "preamble\r\n--B\n"])
    func bareLFLater(start: String) async {
        #expect(await harness.parse(start + head.dropFirst("--B\r\n".count) + "x\r\n--B--\r\n").contents == [])
    }

    @Test("padding is limited as a header is") func paddingLimit() async {
        var harness = harness
        harness.limits.headerBytes = 50
        let exact = head.replacing("--B", with: "--B" + String(repeating: " ", count: 50))
        #expect(await harness.parse(exact + "\r\n--B--").error == nil)
        let over = head.replacing("--B", with: "--B" + String(repeating: " ", count: 51))
        #expect(await harness.parse(over + "\r\n--B--").error == .malformedDelimiter)
    }

    @Test("a boundary that is a prefix of a nested one does not match it") func prefix() async throws {
        let outer = ParserHarness(boundary: try Boundary("outer"))
        let inner = "--outer2\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n--outer2--\r\n"
        let outcome = await outer.parse(head.replacing("--B", with: "--outer") + inner + "\r\n--outer--")
        #expect(outcome.contents == [inner])
        #expect(outcome.error == nil)
    }

    @Test(
        "boundaries of dashes, spaces and other signs are recognized",
        arguments: ["-", "--", "---", "a b", " ", "- -x", "=", ":", String(repeating: "-", count: 70)])
    func anyBoundary(text: String) async throws {
        guard let boundary = try? Boundary(text) else { return #expect(text == " ") }
        let harness = ParserHarness(boundary: boundary)
        let head = head.replacing("--B", with: "--" + text)
        let content = "\r\n--\r\n--" + text.dropLast() + "\r\n-" + text
        // A boundary of dashes alone is its own prefix.
        let outcome = await harness.parse(head + "x" + content + "y\r\n--\(text)--\r\n")
        let reference = ReferenceParser(boundary: text).parse(
            Array((head + "x" + content + "y\r\n--\(text)--\r\n").utf8))
        #expect(outcome.contents == reference.contents)
        #expect(outcome.error == reference.error)
    }
}
