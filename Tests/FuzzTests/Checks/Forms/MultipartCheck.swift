import Platform

@testable import Multipart

/// A message is read in the same way however it is split, holds back no more than a delimiter, and can be written again.
enum MultipartCheck {
    struct Part: Equatable {
        let head: PartHead
        var content: [UInt8] = []
        var isComplete = false
    }

    struct Outcome: Equatable {
        var parts: [Part] = []
        var hasEnded = false
        var error: MultipartError.Code?
    }

    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        var generator = InputGenerator(input)
        guard let boundary = boundary(of: input) ?? (try? Boundary("B")) else { return }
        // Half of the inputs meet the limits, which are longer than most inputs.
        var limits = MultipartParser.Limits()
        if generator.oneIn(2) {
            limits.headerBytes = 100
            limits.headerLines = 3
            limits.parts = 3
            limits.preambleBytes = 20
            limits.epilogueBytes = 20
        }
        let parser = MultipartParser(boundary: boundary, limits: limits)
        let whole = try parse(input, splits: [], parser)
        let splits = generator.splits(of: input.count)
        let outcome = try parse(input, splits: splits, parser)
        try require(outcome == whole, "split at \(splits): \(outcome), whole: \(whole)")
        // In a message whose lines end with LF, a delimiter after CRLF is content, which cannot be written with CRLF.
        let lineEnd = input.firstIndex(of: ASCII.lf) ?? 0
        let endsWithCRLF = lineEnd > 0 && input[lineEnd - 1] == ASCII.cr
        if whole.error == nil, endsWithCRLF { try checkWritten(whole, boundary) }
    }

    /// The boundary that the first line of a message names, so that messages of any client can be inputs.
    private static func boundary(of input: UnsafeRawBufferPointer) -> Boundary? {
        let line = input.prefix { $0 != ASCII.cr && $0 != ASCII.lf }.dropFirst(2).prefix(71)
        let text = String(decoding: line, as: UTF8.self)
        if let boundary = try? Boundary(text) { return boundary }
        let quoted = text.replacing("\\", with: "\\\\")
        return try? Boundary(contentType: "multipart/form-data; boundary=\"\(quoted)\"")
    }

    static func parse(
        _ input: UnsafeRawBufferPointer, splits: [Int], _ parser: MultipartParser
    ) throws(Violation) -> Outcome {
        var parser = parser
        var outcome = Outcome()
        // Bytes that were read since the head of the current part, and are not content yet.
        var held = 0
        try withPieces(of: input, splitAt: splits) { (piece) throws(Violation) in
            var (offset, start) = (0, 0)
            do throws(MultipartError) {
                while outcome.error == nil, let event = try parser.next(in: piece, at: &offset) {
                    held += offset - start
                    start = offset
                    held = outcome.take(event, of: piece, held: held)
                }
            } catch {
                outcome.error = error.code
            }
            guard outcome.error == nil else { return }
            held += offset - start
            try require(offset == piece.count, "read \(offset) of \(piece.count) bytes")
            if let part = outcome.parts.last, !part.isComplete, case .content = parser.state {
                try require(held <= parser.search.delimiter.count, "\(held) bytes of content are held back")
            }
        }
        do throws(MultipartError) {
            try parser.finish()
        } catch {
            try require(
                outcome.error == nil || outcome.error == error.code,
                "\(error) after \(String(describing: outcome.error))")
            outcome.error = error.code
        }
        return outcome
    }

    /// The parts, written again with the same boundary, are the same.
    private static func checkWritten(_ outcome: Outcome, _ boundary: Boundary) throws(Violation) {
        let encoder = MultipartEncoder(boundary: boundary)
        var message: [UInt8] = []
        for (index, part) in outcome.parts.enumerated() {
            guard let opening = try? encoder.opening(of: PartHead(name: "\(index)")) else { return }
            message += opening + part.content + MultipartEncoder.partEnd
        }
        message += encoder.messageEnd
        let again = try message.withBytes { (bytes) throws(Violation) in
            try parse(bytes, splits: [], MultipartParser(boundary: boundary))
        }
        try require(
            again.error == nil && again.parts.map(\.content) == outcome.parts.map(\.content),
            "written again: \(again), before: \(outcome)")
    }
}

extension MultipartCheck.Outcome {
    /// - Returns: how many bytes are still held back.
    fileprivate mutating func take(_ event: MultipartParser.Event, of piece: UnsafeRawBufferPointer, held: Int) -> Int {
        switch event {
        case .partBegan(let head):
            parts.append(MultipartCheck.Part(head: head))
            return 0
        case .content(let range):
            parts[parts.count - 1].content += piece[range]
            return held - range.count
        case .heldContent(let bytes):
            parts[parts.count - 1].content += bytes
            return held - bytes.count
        case .partEnded:
            parts[parts.count - 1].isComplete = true
            return 0
        case .messageEnded:
            hasEnded = true
            return 0
        }
    }
}
