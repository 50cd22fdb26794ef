import TestSupport
import Testing

@testable import Multipart

/// A part as the parser reported it.
struct ParsedPart: Equatable {
    var head: PartHead
    var content: [UInt8] = []
    /// Whether its end was reported.
    var isComplete = false

    var text: String { String(decoding: content, as: UTF8.self) }
}

/// The result of parsing a message.
struct Outcome: Equatable {
    var parts: [ParsedPart] = []
    var messageEnded = false
    /// The error of the parser, or else of its `finish`.
    var error: MultipartError.Code?

    var heads: [PartHead] { parts.map(\.head) }
    var contents: [String] { parts.map(\.text) }
}

/// Runs a parser over a message in pieces and checks its guarantees at every step.
struct ParserHarness {
    var boundary: Boundary
    var limits = MultipartParser.Limits()

    /// Runs `message` whole, byte by byte, at every two-way split and at some random splits, and through a
    /// ``MultipartSequence``; all must give the same result.
    func parse(_ message: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) async -> Outcome {
        let whole = run(message, splits: [], sourceLocation)
        var generator = SeededGenerator(case: message.count)
        var ways = [Array(1..<max(message.count, 1))]
        ways += (0...message.count).map { [$0] }
        ways += (0..<8).map { _ in Self.randomSplits(of: message.count, using: &generator) }
        for splits in ways {
            let outcome = run(message, splits: splits, sourceLocation)
            guard outcome != whole else { continue }
            let many = splits.count > 20
            Issue.record(
                "split at \(many ? "\(splits.count) places" : "\(splits)"): \(outcome), whole: \(whole), seed \(SeededGenerator.seed)",
                sourceLocation: sourceLocation
            )
            break
        }
        for splits in ways.prefix(1) + ways.suffix(1) {
            await compare(whole, message, splits: splits, sourceLocation)
        }
        return whole
    }

    func parse(_ message: String, sourceLocation: SourceLocation = #_sourceLocation) async -> Outcome {
        await parse(Array(message.utf8), sourceLocation: sourceLocation)
    }

    static func randomSplits(of count: Int, using generator: inout SeededGenerator) -> [Int] {
        (0..<Int.random(in: 1...6, using: &generator)).map { _ in .random(in: 0...count, using: &generator) }.sorted()
    }

    /// Runs `message` split before each of the offsets `splits`, which ascend. Every piece is
    /// separate memory, overwritten and freed after the call, so that a reference to it is detected.
    func run(
        _ message: [UInt8], splits: [Int], _ sourceLocation: SourceLocation = #_sourceLocation
    ) -> Outcome {
        var parser = MultipartParser(boundary: boundary, limits: limits)
        var outcome = Outcome()
        var contentStart = 0
        var start = 0
        do throws(MultipartError) {
            for end in splits + [message.count] {
                let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: end - start, alignment: 1)
                piece.copyBytes(from: message[start..<end])
                defer {
                    _ = piece.initializeMemory(as: UInt8.self, repeating: 0xDB)
                    piece.deallocate()
                }
                var offset = 0
                while let event = try parser.next(in: UnsafeRawBufferPointer(piece), at: &offset) {
                    if case .partBegan = event { contentStart = start + offset }
                    outcome.take(event, of: piece, sourceLocation)
                }
                #expect(offset == piece.count, sourceLocation: sourceLocation)
                checkHeldBack(by: parser, outcome, consumed: end - contentStart, sourceLocation)
                start = end
            }
            try parser.finish()
        } catch {
            outcome.error = error.code
            if error.code != .truncated { checkStays(error, parser, sourceLocation) }
        }
        return outcome
    }

    /// Content held back is never more than the closing delimiter: CRLF `--` boundary `-`.
    /// Padding after a delimiter is read, but is never content.
    private func checkHeldBack(
        by parser: MultipartParser, _ outcome: Outcome, consumed: Int, _ sourceLocation: SourceLocation
    ) {
        guard let part = outcome.parts.last, !part.isComplete else { return }
        switch parser.state {
        case .delimited(.padding), .delimited(.paddingCR), .failed: return
        case .delimited(.nothing), .delimited(.dash), .delimited(.cr), .content:
            #expect(
                consumed - part.content.count <= boundary.description.utf8.count + 5, sourceLocation: sourceLocation
            )
        case .preamble, .header, .epilogue:
            Issue.record("an open part in the state \(parser.state)", sourceLocation: sourceLocation)
        }
    }

    /// After an error, everything throws the same one.
    private func checkStays(_ error: MultipartError, _ parser: MultipartParser, _ sourceLocation: SourceLocation) {
        var parser = parser
        for rest in ["", "x", "\r\n--\(boundary)\r\n", "\r\n--\(boundary)--"] {
            #expect(throws: error, sourceLocation: sourceLocation) {
                var offset = 0
                try Array(rest.utf8).withUnsafeBytes { _ = try parser.next(in: $0, at: &offset) }
            }
            #expect(throws: error, sourceLocation: sourceLocation) { try parser.finish() }
        }
    }
}

extension Outcome {
    /// Adds an event, which must be allowed in this state.
    fileprivate mutating func take(
        _ event: MultipartParser.Event, of piece: UnsafeMutableRawBufferPointer, _ sourceLocation: SourceLocation
    ) {
        #expect(!messageEnded, "an event after the message's end", sourceLocation: sourceLocation)
        let isOpen = parts.last.map { !$0.isComplete } ?? false
        switch event {
        case .partBegan(let head):
            #expect(!isOpen, sourceLocation: sourceLocation)
            parts.append(ParsedPart(head: head))
        case .content(let range):
            #expect(isOpen && !range.isEmpty, sourceLocation: sourceLocation)
            parts[parts.count - 1].content += piece[range]
        case .heldContent(let bytes):
            #expect(isOpen && !bytes.isEmpty, sourceLocation: sourceLocation)
            parts[parts.count - 1].content += bytes
        case .partEnded:
            #expect(isOpen, sourceLocation: sourceLocation)
            parts[parts.count - 1].isComplete = true
        case .messageEnded:
            #expect(!isOpen, sourceLocation: sourceLocation)
            messageEnded = true
        }
    }
}

/// The code of the error that `body` throws; nil when it throws none.
func errorCode(_ body: () throws(MultipartError) -> Void) -> MultipartError.Code? {
    do {
        try body()
        return nil
    } catch {
        return error.code
    }
}
