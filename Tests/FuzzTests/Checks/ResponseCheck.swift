import Platform

@testable import HTTPStreaming

/// The lines of a response's head, as libcurl delivers them, and its content, however it is split.
enum ResponseCheck {
    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        var generator = InputGenerator(input)
        let digest: ResponseHeadReader.Digest =
            generator.oneIn(2) ? .none : .awaitingChallenge(sendsEmptyBody: generator.oneIn(2))
        var reader = ResponseHeadReader(expectsContinue: generator.oneIn(2), digest: digest)
        let mayBeSentAgain = generator.oneIn(2)
        var rest = input[...]
        var lines = 0
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ASCII.lf).map { $0 + 1 } ?? rest.endIndex
            lines += 1
            var status: Int?
            withPieces(of: UnsafeRawBufferPointer(rebasing: rest[..<end]), splitAt: []) { line in
                status = reader.append(line, mayBeSentAgain: mayBeSentAgain)
            }
            rest = rest[end...]
            try checkFields(reader, lines: lines)
            if let status {
                return try checkContent(UnsafeRawBufferPointer(rebasing: rest), status, reader, &generator)
            }
        }
    }

    private static func checkFields(_ reader: ResponseHeadReader, lines: Int) throws(Violation) {
        try require(reader.fields.count <= lines, "\(reader.fields.count) fields in \(lines) lines")
        if let field = reader.fields.last {
            try require(
                !(field.name + field.value).utf8.contains { $0 == ASCII.cr || $0 == ASCII.lf },
                "a line end within a field: \(field)")
            let value = Array(field.value.utf8)[...]
            try require(ASCII.trimmed(value) == value, "white space around a value: \(field)")
        }
        let location = reader.encodedLocation ?? ""
        try require(ASCII.all(of: location) { $0 < 0x80 }, "a Location that is not ASCII: \(location)")
    }

    private static func checkContent(
        _ body: UnsafeRawBufferPointer, _ status: Int, _ reader: ResponseHeadReader, _ generator: inout InputGenerator
    ) throws(Violation) {
        try require((200...999).contains(status), "a final status of \(status)")
        guard reader.complaint == nil else { return }
        let whole = content(of: body, splits: [], status, reader.fields)
        try require(whole.content.count <= body.count, "more content than bytes")
        let splits = generator.splits(of: body.count)
        let outcome = content(of: body, splits: splits, status, reader.fields)
        try require(outcome == whole, "split at \(splits): \(outcome), whole: \(whole)")
    }

    private static func content(
        of body: UnsafeRawBufferPointer, splits: [Int], _ status: Int, _ fields: HeaderFields
    ) -> (content: [UInt8], isComplete: Bool) {
        var framing = ResponseFraming(status: status, fields)
        var content: [UInt8] = []
        withPieces(of: body, splitAt: splits) { content += framing.content(in: $0) }
        return (content, framing.isComplete)
    }
}
