@testable import Multipart

/// A simple, slow parser of whole messages that looks for a delimiter at every position, written
/// independently of the real one. `PartHead` reads the header lines. It has no limits, and reports only
/// the head of a part that is not complete.
struct ReferenceParser {
    var boundary: String
    private var lineBreak: [UInt8] = [13, 10]

    init(boundary: String) { self.boundary = boundary }

    private enum Line {
        case opens(next: Int)
        case closes
        case malformed
        case unfinished
    }

    func parse(_ message: [UInt8]) -> Outcome {
        if lineBreak.count == 2, message.starts(with: Array("--\(boundary)\n".utf8)) {
            var other = self
            other.lineBreak = [10]
            return other.parse(message)
        }
        // The line break may be missing before the first delimiter.
        let text = lineBreak + message
        var outcome = Outcome()
        // The position of the line break that ends the header, or of the one before the message.
        var position = 0
        while true {
            let found = firstDelimiter(in: text, from: position)
            switch found?.line {
            case nil, .unfinished:
                outcome.error = .truncated
                return outcome
            case .malformed:
                outcome.error = .malformedDelimiter
                return outcome
            case .closes:
                complete(&outcome, text, from: position, to: found?.start ?? 0)
                outcome.messageEnded = true
                return outcome
            case .opens(let next):
                complete(&outcome, text, from: position, to: found?.start ?? 0)
                do throws(MultipartError) {
                    guard let end = try header(in: text, from: next, &outcome) else {
                        outcome.error = .truncated
                        return outcome
                    }
                    position = end - lineBreak.count
                } catch {
                    outcome.error = error.code
                    return outcome
                }
            }
        }
    }

    /// The number of bytes before the first delimiter of `message`, its CRLF not counted.
    func preambleLength(_ message: [UInt8]) -> Int? {
        firstDelimiter(in: [13, 10] + message, from: 0).map { max($0.start - 2, 0) }
    }

    /// Whether a part with that content is read as something else.
    func isBroken(by content: [UInt8]) -> Bool {
        firstDelimiter(in: [13, 10] + content + [13, 10], from: 0) != nil
    }

    private func complete(_ outcome: inout Outcome, _ text: [UInt8], from position: Int, to start: Int) {
        guard let last = outcome.parts.indices.last else { return }
        outcome.parts[last].content = start == position ? [] : Array(text[(position + lineBreak.count)..<start])
        outcome.parts[last].isComplete = true
    }

    private func firstDelimiter(in text: [UInt8], from position: Int) -> (start: Int, line: Line)? {
        let delimiter = lineBreak + Array("--\(boundary)".utf8)
        for start in position..<text.count where text[start...].starts(with: delimiter) {
            let rest = text[(start + delimiter.count)...]
            let afterPadding = rest.drop { $0 == 32 || $0 == 9 }
            if rest.starts(with: [45, 45]) { return (start, .closes) }
            if afterPadding.starts(with: lineBreak) {
                return (start, .opens(next: afterPadding.startIndex + lineBreak.count))
            }
            let isCut = afterPadding.isEmpty || lineBreak.count == 2 && afterPadding.elementsEqual([13])
            if rest.isEmpty || rest.elementsEqual([45]) || isCut {
                return (start, .unfinished)
            }
            if afterPadding.count < rest.count { return (start, .malformed) }
        }
        return nil
    }

    /// Reads a header, adds its part, and returns where its content begins; nil when it is cut off.
    private func header(
        in text: [UInt8], from start: Int, _ outcome: inout Outcome
    ) throws(MultipartError) -> Int? {
        var lineStart = start
        var block: [UInt8] = []
        for index in start..<text.count where text[index] == 10 {
            let line = text[lineStart...index].dropLast(lineBreak.count)
            guard text[lineStart...index].suffix(lineBreak.count).elementsEqual(lineBreak) else {
                throw MultipartError(.malformedHeaderLine, "")
            }
            if line.isEmpty {
                outcome.parts.append(ParsedPart(head: try PartHead(parsing: block[...])))
                return index + 1
            }
            block += line + [13, 10]
            lineStart = index + 1
        }
        return nil
    }
}
