import Platform
import TestSupport
import Testing

@testable import Multipart

@Suite("Multipart round trips", .timeLimit(.minutes(3)))
struct MultipartRoundTripTests {
    @Test("parsing returns the encoded parts") func random() throws {
        print("MultipartRoundTripTests: TEST_SEED=\(SeededGenerator.seed)")
        for number in 0..<3_000 {
            var generator = SeededGenerator(case: number)
            let encoder = MultipartEncoder(boundary: try randomBoundary(&generator))
            let parts = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                let content = randomContent(encoder.boundary.description, &generator)
                return ParsedPart(head: randomHead(&generator), content: content, isComplete: true)
            }
            var message: [UInt8] = []
            var length = encoder.messageEndLength
            for part in parts {
                message += try encoder.opening(of: part.head) + part.content + MultipartEncoder.partEnd
                length += try encoder.framingLength(of: part.head) + part.content.count
            }
            message += encoder.messageEnd
            #expect(length == message.count)
            let harness = ParserHarness(boundary: try Boundary(contentType: encoder.boundary.contentType))
            for splits in [
                [], Array(1..<message.count), ParserHarness.randomSplits(of: message.count, using: &generator),
            ] {
                let outcome = harness.run(message, splits: splits)
                #expect(
                    outcome == Outcome(parts: parts, messageEnded: true),
                    "case \(number), seed \(SeededGenerator.seed), splits \(splits)"
                )
            }
        }
    }

    private func randomBoundary(_ generator: inout SeededGenerator) throws -> Boundary {
        guard !generator.oneIn(3) else { return try Boundary(generator.pick(["B", "-", "aa", "a-", "a b", "=_:x"])) }
        let letters = (0..<28).map { _ in generator.pick(ASCII.base64URL) }
        return try Boundary(String(decoding: letters, as: UTF8.self))
    }

    /// Content that resembles delimiters but contains none.
    private func randomContent(_ boundary: String, _ generator: inout SeededGenerator) -> [UInt8] {
        let delimiter = Array("\r\n--\(boundary)".utf8)
        var changed = delimiter
        changed[Int.random(in: 4..<changed.count, using: &generator)] ^= 1
        let prefix = Array(delimiter[..<Int.random(in: 0...delimiter.count, using: &generator)])
        let pieces: [[UInt8]] = [
            prefix, prefix, changed, delimiter + [45], delimiter + [120], delimiter + [13], Array(delimiter[1...]),
            [13], [13, 13, 13], [10], [13, 10], [45], [13, 10, 45, 45], Array(boundary.utf8), [0], [255],
            Array("text".utf8),
        ]
        while true {
            let content = (0..<Int.random(in: 0...8, using: &generator)).flatMap { _ in generator.pick(pieces) }
            if !ReferenceParser(boundary: boundary).isBroken(by: content) { return content }
        }
    }

    private func randomHead(_ generator: inout SeededGenerator) -> PartHead {
        let types = [nil, nil, "", "text/plain; charset=\"utf-8\"", "application/octet-stream"]
        let fields = ["X-A", "content-language", "x!#$%&'*+.^_`|~"].filter { _ in generator.oneIn(4) }
        while true {
            let head = PartHead(
                name: randomText(&generator),
                filename: generator.oneIn(2) ? randomText(&generator) : nil,
                contentType: generator.pick(types),
                otherFields: fields.map { HeaderField(name: $0, value: generator.pick(["", "a: b", "é;\"", "a\tb"])) }
            )
            if Self.survives(head) { return head }
        }
    }

    private func randomText(_ generator: inout SeededGenerator) -> String {
        let pieces = [
            "a", "\"", "\r", "\n", "\r\n", ";", "\\", "%", "%2", "2", "22", "0D", " ", "\t", "=", "é", "日本", "😀", "'",
            ":",
            "e\u{301}", "\u{1}", "\u{7F}", "; filename=", "name", "/", "..", "*",
        ]
        return (0..<Int.random(in: 0...6, using: &generator)).map { _ in generator.pick(pieces) }.joined()
    }

    /// Whether a part's names survive. They do not if the written form stands for two texts:
    /// - WHATWG escapes `"` as `%22` but not `%` itself: a literal `%22`, `%0D` or `%0A` reads as
    ///   the escaped character.
    /// - Go and httpx write a backslash as two, browsers and this encoder as one: two in a row
    ///   read as one.
    /// - A name ending in a backslash seems to escape its closing quote, unless the rest would make no
    ///   sense; a filename that begins with `;` makes sense.
    private static func survives(_ head: PartHead) -> Bool {
        for text in [head.name, head.filename ?? ""] {
            let lowercased = text.lowercased()
            if ["%22", "%0d", "%0a"].contains(where: { lowercased.utf8.contains($0.utf8) }) { return false }
            if text.utf8.contains("\\\\".utf8) { return false }
        }
        let filename = head.filename?.utf8.drop(while: ASCII.isWhiteSpace)
        return !(head.name.utf8.last == ASCII.backslash && filename?.first == UInt8(ascii: ";"))
    }
}

extension Collection<UInt8> {
    fileprivate func contains(_ other: some Collection<UInt8>) -> Bool {
        indices.contains { self[$0...].starts(with: other) }
    }
}
