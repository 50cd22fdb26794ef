import TestSupport
import Testing

@testable import Multipart

@Suite("Multipart parser against a reference parser", .timeLimit(.minutes(3)))
struct ReferenceParserTests {
    private static let boundaries = ["B", "-", "--", "aa", "-a", "aab", "a b", "bounds"]

    private func compare(_ message: [UInt8], boundary: String, _ generator: inout SeededGenerator, case number: Int)
        throws
    {
        let harness = ParserHarness(boundary: try Boundary(boundary))
        let expected = ReferenceParser(boundary: boundary).parse(message)
        var ways: [[Int]] = [[], Array(1..<max(message.count, 1))]
        for _ in 0..<3 { ways.append(ParserHarness.randomSplits(of: message.count, using: &generator)) }
        var whole: Outcome?
        for splits in ways {
            let outcome = harness.run(message, splits: splits)
            #expect(whole == nil || outcome == whole)
            whole = outcome
            var complete = outcome
            if let last = complete.parts.indices.last, !complete.parts[last].isComplete {
                complete.parts[last].content = []
            }
            #expect(
                complete == expected,
                "\(String(decoding: message, as: UTF8.self).debugDescription), case \(number), seed \(SeededGenerator.seed)"
            )
        }
    }

    @Test("agrees on random messages") func random() throws {
        for number in 0..<3_000 {
            var generator = SeededGenerator(case: number)
            let boundary = generator.pick(Self.boundaries)
            let head = "Content-Disposition: form-data; name=n\r\n"
            let pieces = [
                "\r", "\n", "\r\n", "\r\n\r\n", "-", "--", " ", "\t", "x", "--\(boundary)", "\r\n--\(boundary)",
                "\r\n--\(boundary)\r\n", "\r\n--\(boundary)\r\n\(head)\r\n", "--\(boundary)\r\n\(head)\r\n",
                "\r\n--\(boundary)--", head, boundary, "X: y\r\n", String(boundary.dropLast()),
            ]
            var message = generator.oneIn(3) ? [] : Array("--\(boundary)\r\n\(head)\r\n".utf8)
            for _ in 0..<Int.random(in: 0...12, using: &generator) { message += Array(generator.pick(pieces).utf8) }
            try compare(message, boundary: boundary, &generator, case: number)
            try compare(message.filter { $0 != 13 }, boundary: boundary, &generator, case: number)
        }
    }

    @Test("agrees on valid messages with random changes") func mutated() throws {
        for number in 0..<2_000 {
            var generator = SeededGenerator(case: number)
            let boundary = generator.pick(Self.boundaries)
            let encoder = MultipartEncoder(boundary: try Boundary(boundary))
            var message: [UInt8] = []
            for index in 0..<Int.random(in: 0...3, using: &generator) {
                message += try encoder.opening(of: PartHead(name: "\(index)", filename: generator.oneIn(2) ? "f" : nil))
                message += (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                    generator.pick(Array("\r\n-Bab x".utf8))
                }
                message += MultipartEncoder.partEnd
            }
            message += encoder.messageEnd
            for _ in 0..<Int.random(in: 1...4, using: &generator) { mutate(&message, &generator) }
            try compare(message, boundary: boundary, &generator, case: number)
        }
    }

    private func mutate(_ message: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !message.isEmpty else { return }
        let place = Int.random(in: 0..<message.count, using: &generator)
        let end = min(message.count, place + Int.random(in: 1...8, using: &generator))
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: message[place] = .random(in: 0...255, using: &generator)
        case 1: message.remove(at: place)
        case 2: message.insert(generator.pick(Array("\r\n- \tB;=\"\\".utf8)), at: place)
        case 3: message.insert(contentsOf: message[place..<end], at: place)
        default: message.removeSubrange(place...)
        }
    }
}
