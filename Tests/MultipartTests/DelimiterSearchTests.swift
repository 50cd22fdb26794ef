import TestSupport
import Testing

@testable import Multipart

@Suite("Delimiter search", .timeLimit(.minutes(3)))
struct DelimiterSearchTests {
    /// The expected match, found by checking every position.
    private func naiveMatch(of delimiter: [UInt8], in text: [UInt8], from start: Int) -> DelimiterSearch.Match {
        for index in start..<max(start, text.count) {
            let rest = text[index...]
            if rest.count < delimiter.count, delimiter.starts(with: rest) { return .partial(at: index) }
            guard rest.starts(with: delimiter) else { continue }
            let tail = Array(rest.dropFirst(delimiter.count).prefix(2))
            if ["", "\r", "-", "\r\n", "--"].contains(where: { Array($0.utf8) == tail }) { return .whole(at: index) }
            if " \t".utf8.contains(tail.first ?? 0) { return .whole(at: index) }
        }
        return .none
    }

    static let boundaries = [
        "a", "-", "--", "aa", "ab", "aab", "abab", "--a", "a--", "=", "a b",
        "----------------------------", "aZ3kQ9_xW1vT7bR5nM2pL8dF4hJe", String(repeating: "x", count: 70),
    ]

    @Test("finds the same delimiter as a search of every position", arguments: boundaries)
    func random(boundary: String) throws {
        let search = DelimiterSearch(boundary: try Boundary(boundary))
        let whole = "\r\n--" + boundary
        let pieces =
            ["\r", "\n", "\r\n", "-", "--", "\r\n-", "\r\n--", "\n--" + boundary, boundary, "x", " ", "\0", whole]
            + [String(whole.dropLast()), whole + "-", whole + "\r", whole + "x", String(repeating: "z", count: 9)]
        var generator = SeededGenerator(case: boundary.utf8.count)
        for _ in 0..<1_500 {
            let text = (0..<Int.random(in: 0...8, using: &generator)).flatMap { _ in Array(generator.pick(pieces).utf8)
            }
            let start = Int.random(in: 0...text.count, using: &generator)
            let found = text.withUnsafeBytes { search.firstMatch(in: $0, from: start) }
            let expected = naiveMatch(of: search.delimiter, in: text, from: start)
            #expect(
                found == expected,
                "\(String(decoding: text, as: UTF8.self).debugDescription) from \(start), seed \(SeededGenerator.seed)"
            )
        }
    }

    /// At every alignment, and at every distance from both ends of the buffer.
    @Test("finds a delimiter at every position and alignment") func positions() throws {
        let search = DelimiterSearch(boundary: try Boundary("ab"))
        for count in 0...40 {
            for place in 0...count {
                let text =
                    [UInt8](repeating: 46, count: place) + search.delimiter
                    + [UInt8](repeating: 32, count: count - place)
                #expect(text.withUnsafeBytes { search.firstMatch(in: $0, from: 0) } == .whole(at: place))
                let cut = Array(text[..<(place + 1 + count % search.delimiter.count)])
                let expected =
                    cut.count == place + search.delimiter.count
                    ? DelimiterSearch.Match.whole(at: place) : .partial(at: place)
                #expect(cut.withUnsafeBytes { search.firstMatch(in: $0, from: 0) } == expected)
            }
        }
    }

    @Test("finds nothing in an empty buffer") func empty() throws {
        let search = DelimiterSearch(boundary: try Boundary("ab"))
        #expect(search.firstMatch(in: UnsafeRawBufferPointer(start: nil, count: 0), from: 0) == .none)
    }

    @Test("reports how many bytes of the delimiter match") func matchLength() throws {
        let search = DelimiterSearch(boundary: try Boundary("ab"))
        let text = Array("\r\n--aX".utf8)
        text.withUnsafeBytes { buffer in
            #expect(search.matchLength(in: buffer, at: 0, from: 0) == 5)
            #expect(search.matchLength(in: buffer, at: 2, from: 2) == 3)
            #expect(search.matchLength(in: buffer, at: 5, from: 5) == 0)
            #expect(search.matchLength(in: buffer, at: 6, from: 5) == 0)
        }
    }
}
