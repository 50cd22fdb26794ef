import ContentCoding

/// Coded content is decoded in the same way however it is split, and within its limits. What an encoder writes is decoded.
enum ContentCodingCheck {
    /// Short content already meets it.
    private static let limit = 64 << 10

    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        var generator = InputGenerator(input)
        for coding in Coding.allCases {
            let whole = decode(input, splits: [], coding, room: 4096)
            let splits = generator.splits(of: input.count)
            let room = 1 + Int(generator.next() % 5000)
            let outcome = decode(input, splits: splits, coding, room: room)
            try require(
                isEqual(outcome, whole),
                "\(coding) split at \(splits), \(room) bytes of room: \(describe(outcome)), whole: \(describe(whole))"
            )
        }
        let coding: Coding = generator.oneIn(2) ? .gzip : .deflate
        let content = Array(input.prefix(512))
        guard generator.oneIn(16), let data = try? coding.encode(content) else { return }
        try require((try? coding.decode(data)) == content, "\(coding) of \(content) is not decoded")
    }

    private static func decode(
        _ input: UnsafeRawBufferPointer, splits: [Int], _ coding: Coding, room: Int
    ) -> Result<[UInt8], CodingError> {
        var decoder = ContentDecoder(coding, limits: DecodingLimits(size: limit))
        var content: [UInt8] = []
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
        defer { output.deallocate() }
        do throws(CodingError) {
            try withPieces(of: input, splitAt: splits) { (piece) throws(CodingError) in
                var rest = piece
                var count: Int
                repeat {
                    count = try decoder.decode(&rest, into: output)
                    content += output[..<count]
                } while count == output.count
            }
            try decoder.finish()
            return .success(content)
        } catch {
            return .failure(error)
        }
    }

    private static func isEqual(
        _ outcome: Result<[UInt8], CodingError>, _ other: Result<[UInt8], CodingError>
    ) -> Bool {
        switch (outcome, other) {
        case (.success(let content), .success(let otherContent)):
            content == otherContent && content.count <= limit
        case (.failure(let error), .failure(let otherError)):
            // Data that exceeds the limit may be corrupt as well: then the room decides which is noticed first.
            error.code == otherError.code || [error.code, otherError.code].contains(.sizeLimit)
        case (.success, .failure), (.failure, .success):
            false
        }
    }

    private static func describe(_ outcome: Result<[UInt8], CodingError>) -> String {
        switch outcome {
        case .success(let content): "\(content.count) bytes"
        case .failure(let error): "\(error.code)"
        }
    }
}
