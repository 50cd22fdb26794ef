// Measures MultipartSequence against MultipartParser alone: `parts MEBIBYTES ROUNDS`. Reads a form with one file from
// memory, in chunks of 64 KiB, with both alternately, and prints the medians of the processor time, which other programs
// disturb less than the time of the clock, and the allocations for each chunk.

import Allocations
import Foundation
import Multipart

guard CommandLine.arguments.count == 3, let size = Int(CommandLine.arguments[1]),
    let rounds = Int(CommandLine.arguments[2]), size > 0, rounds > 0
else {
    print("usage: parts MEBIBYTES ROUNDS")
    exit(2)
}
let chunkCount = size * 16

/// A form whose file is the same chunk again and again.
struct Form: AsyncSequence, Sendable {
    let encoder = MultipartEncoder()
    let content: [UInt8]

    /// The chunk at an index: the opening of the part, the content, and the end.
    func chunk(_ index: Int) -> [UInt8]? {
        switch index {
        case 0: try? encoder.opening(of: PartHead(name: "file", filename: "file.bin"))
        case 1...chunkCount: content
        case chunkCount + 1: MultipartEncoder.partEnd + encoder.messageEnd
        default: nil
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(form: self) }

    struct AsyncIterator: AsyncIteratorProtocol {
        let form: Form
        var index = 0

        mutating func next(isolation actor: isolated (any Actor)?) async -> [UInt8]? {
            defer { index += 1 }
            return form.chunk(index)
        }
    }
}

func parse(_ form: Form) throws -> Int {
    var parser = MultipartParser(boundary: form.encoder.boundary)
    var index = 0
    var bytes = 0
    while let chunk = form.chunk(index) {
        try chunk.withUnsafeBytes { buffer in
            var offset = 0
            while let event = try parser.next(in: buffer, at: &offset) {
                switch event {
                case .content(let range): bytes += range.count
                case .heldContent(let held): bytes += held.count
                case .partBegan, .partEnded, .messageEnded: break
                }
            }
        }
        index += 1
    }
    try parser.finish()
    return bytes
}

nonisolated func iterate(_ form: Form) async throws -> Int {
    var bytes = 0
    for try await part in MultipartSequence(form, boundary: form.encoder.boundary) {
        for try await chunk in part.body { bytes += chunk.count }
    }
    return bytes
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

var generator = SystemRandomNumberGenerator()
let random = (0..<(64 << 10)).map { _ in UInt8.random(in: 0...255, using: &generator) }
let line = "A line of a text file, as Windows writes it.\r\n"
let lines = Array(String(repeating: line, count: 2000).utf8.prefix(64 << 10))
for (name, content) in [("random bytes", random), ("lines of text", lines)] {
    let form = Form(content: content)
    var seconds: (parser: [Double], sequence: [Double]) = ([], [])
    var allocations: [Double] = []
    for _ in 0..<rounds {
        var start = clock()
        let parsed = try parse(form)
        seconds.parser.append(Double(clock() - start) / Double(CLOCKS_PER_SEC))
        let before = allocation_count()
        start = clock()
        let iterated = try await iterate(form)
        seconds.sequence.append(Double(clock() - start) / Double(CLOCKS_PER_SEC))
        allocations.append(Double(allocation_count() - before) / Double(chunkCount))
        guard parsed == chunkCount * content.count, iterated == parsed else {
            print("the file is not as long as it was made")
            exit(1)
        }
    }
    let (parser, sequence) = (median(seconds.parser), median(seconds.sequence))
    print("\(name), \(size) MiB in chunks of 64 KiB, medians of \(rounds) rounds")
    let megabytes = Double(chunkCount * content.count) / 1e6
    print(String(format: "parser    %8.4f s %6.0f MB/s", parser, megabytes / parser))
    print(String(format: "sequence  %8.4f s %6.0f MB/s", sequence, megabytes / sequence))
    print(String(format: "speed     %8.2f of the parser's", parser / sequence))
    print(String(format: "allocated %8.2f times for each chunk", median(allocations)))
}
