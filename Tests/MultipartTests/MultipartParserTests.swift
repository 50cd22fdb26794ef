import Testing

@testable import Multipart

@Suite("Multipart parser", .timeLimit(.minutes(3)))
struct MultipartParserTests {
    private let harness: ParserHarness
    private let headB = "--B\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n"

    init() throws { harness = ParserHarness(boundary: try Boundary("B")) }

    @Test("parts are read with their heads and content") func parts() async {
        let outcome = await harness.parse(
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
                + "--B\r\nContent-Disposition: form-data; name=\"b\"; filename=\"f\"\r\nContent-Type: x/y\r\n\r\ntwo\r\n--B--\r\n"
        )
        #expect(outcome.heads == [PartHead(name: "a"), PartHead(name: "b", filename: "f", contentType: "x/y")])
        #expect(outcome.contents == ["one", "two"])
        #expect(outcome.messageEnded && outcome.error == nil && outcome.parts.allSatisfy(\.isComplete))
    }

    @Test(
        "a message may have no parts",
        arguments: ["--B--", "--B--\r\n", "\r\n--B--", "preamble\r\n--B--", "--B--epilogue\r\n--B\r\n", "--B-- \r\n"])
    func noParts(message: String) async {
        #expect(await harness.parse(message) == Outcome(messageEnded: true))
    }

    @Test(
        "content is kept byte for byte",
        arguments: [
            "", "\r", "\n", "\r\n", "\r\n\r\n", "-", "--", "--B", "\r\n--B", "x", "\0", "\r\n--\r\n--Bx", "--B\r",
        ])
    func content(content: String) async {
        let outcome = await harness.parse(headB + content + "\r\n--B--\r\n")
        // `--B` directly after the header is a delimiter, followed by a header.
        if content == "--B" || content == "\r\n--B" {
            #expect(outcome.contents == [""])
            #expect(outcome.error == .truncated)
        } else {
            #expect(outcome.contents == [content])
            #expect(outcome.messageEnded && outcome.error == nil)
        }
    }

    @Test("an empty part's delimiter may use the header's CRLF", arguments: ["--B\r\n", "\r\n--B\r\n"])
    func emptyPart(next: String) async {
        let outcome = await harness.parse(headB + next + "Content-Disposition: form-data; name=\"m\"\r\n\r\n--B--")
        #expect(outcome.heads.map(\.name) == ["n", "m"])
        #expect(outcome.contents == ["", ""])
        #expect(outcome.messageEnded && outcome.error == nil)
    }

    @Test("the preamble and the epilogue are ignored") func preambleAndEpilogue() async {
        let outcome = await harness.parse("pre --B\r\n--\r\n--Bx\r\n-\r\n" + headB + "x\r\n--B--\r\nepi\r\n" + headB)
        #expect(outcome.contents == ["x"])
        #expect(outcome.messageEnded && outcome.error == nil)
    }

    @Test("a message cut off at any byte is reported as truncated") func truncation() async {
        let message = Array(
            "pre\r\n\(headB)x\r\n--B\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\ny\r\n--B--".utf8)
        for count in 0..<message.count {
            let outcome = await harness.parse(Array(message[..<count]))
            #expect(outcome.error == .truncated, "cut at \(count)")
            #expect(!outcome.messageEnded)
        }
        #expect(await harness.parse(message).error == nil)
    }

    @Test("the number of parts is limited") func partLimit() async {
        var harness = harness
        for limit in [1, 3] {
            harness.limits.parts = limit
            let exact = await harness.parse(String(repeating: headB + "\r\n", count: limit) + "--B--")
            #expect(exact.parts.count == limit && exact.error == nil)
            let over = await harness.parse(String(repeating: headB + "\r\n", count: limit + 1) + "--B--")
            #expect(over.parts.count == limit && over.error == .tooManyParts)
        }
        harness.limits.parts = 0
        #expect(await harness.parse("--B--").error == nil)
        #expect(await harness.parse(headB).error == .tooManyParts)
    }

    @Test("the size of the preamble is limited", arguments: [0, 1, 5, 9, 100]) func preambleLimit(limit: Int) async {
        var harness = harness
        harness.limits.preambleBytes = limit
        for filler in ["x", "\r", "-", "\r\n", "\r\n--", "\r\n--Bx", "\r\n--B-x", "\r\n--B\r"] {
            let text = Array(String(repeating: filler, count: limit + 1).utf8)
            let exact = await harness.parse(Array(text[..<limit]) + Array("\r\n--B--".utf8))
            let over = await harness.parse(Array(text[..<(limit + 1)]) + Array("\r\n--B--".utf8))
            // A preamble that ends with the start of a delimiter is another message.
            let (cut, longer) = (ReferenceParser(boundary: "B"), "\r\n--B--")
            guard cut.preambleLength(Array(text[..<limit]) + Array(longer.utf8)) == limit else { continue }
            #expect(exact.error == nil, "\(filler.debugDescription) × \(limit)")
            guard cut.preambleLength(Array(text[..<(limit + 1)]) + Array(longer.utf8)) == limit + 1 else { continue }
            #expect(over.error == .preambleTooLarge, "\(filler.debugDescription) × \(limit + 1)")
        }
    }

    @Test("the size of the epilogue is limited", arguments: [0, 1, 5, 100]) func epilogueLimit(limit: Int) async {
        var harness = harness
        harness.limits.epilogueBytes = limit
        #expect(await harness.parse("--B--" + String(repeating: "x", count: limit)).error == nil)
        let over = await harness.parse("--B--" + String(repeating: "x", count: limit + 1))
        #expect(over == Outcome(messageEnded: true, error: .epilogueTooLarge))
    }

    @Test("extreme limits are safe", arguments: [Int.min, -1, 0, Int.max]) func extremeLimits(limit: Int) async {
        var harness = harness
        harness.limits.headerBytes = limit
        harness.limits.headerLines = limit
        harness.limits.parts = limit
        harness.limits.preambleBytes = limit
        harness.limits.epilogueBytes = limit
        let outcome = await harness.parse(
            "pre\r\n--B \t\r\nContent-Disposition: form-data; name=n\r\n\r\nx\r\n--B--epi")
        #expect(outcome.error == (limit == .max ? nil : .preambleTooLarge))
        harness.limits.preambleBytes = 10
        #expect(
            await harness.parse("--B\r\nContent-Disposition: x\r\n\r\n").error
                == (limit == .max ? .malformedContentDisposition : .headerTooLarge))
    }

    @Test("all events of a buffer are reported, also after its last byte is read") func lastEvents() throws {
        var parser = MultipartParser(boundary: try Boundary("B"))
        var events: [MultipartParser.Event] = []
        try Array((headB + "x\r\n--B--").utf8).withUnsafeBytes { buffer in
            var offset = 0
            while let event = try parser.next(in: buffer, at: &offset) { events.append(event) }
            #expect(offset == buffer.count)
        }
        #expect(
            events == [
                .partBegan(PartHead(name: "n")), .content(headB.utf8.count..<(headB.utf8.count + 1)), .partEnded,
                .messageEnded,
            ])
        try parser.finish()
    }

    @Test("content in one buffer is reported as one range") func oneRange() throws {
        var parser = MultipartParser(boundary: try Boundary("B"))
        let lookalikes = String(repeating: "\r\n--Bx\r\n--B-\r\n--B\r\r\n--", count: 100)
        let message = Array((headB + "x" + lookalikes + "x\r\n--B--").utf8)
        var ranges = 0
        try message.withUnsafeBytes { buffer in
            var offset = 0
            while let event = try parser.next(in: buffer, at: &offset) {
                switch event {
                case .content(let range):
                    ranges += 1
                    #expect(range.count == lookalikes.utf8.count + 2)
                case .heldContent: Issue.record("held content in a single buffer")
                case .partBegan, .partEnded, .messageEnded: break
                }
            }
        }
        #expect(ranges == 1)
    }

    @Test("a copied parser continues independently") func copy() throws {
        var parser = MultipartParser(boundary: try Boundary("B"))
        #expect(try event(of: "--B\r\nContent-", by: &parser) == nil)
        var copy = parser
        #expect(try event(of: "Disposition: form-data; name=a\r\n\r\n", by: &copy) == .partBegan(PartHead(name: "a")))
        #expect(try event(of: "Disposition: form-data; name=b\r\n\r\n", by: &parser) == .partBegan(PartHead(name: "b")))
    }

    private func event(of text: String, by parser: inout MultipartParser) throws -> MultipartParser.Event? {
        var offset = 0
        return try Array(text.utf8).withUnsafeBytes { try parser.next(in: $0, at: &offset) }
    }
}
