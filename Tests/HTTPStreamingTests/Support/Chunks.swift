import TestSupport

/// Chunks of random lengths, some of them empty, and some with a pause before them.
struct Chunks: AsyncSequence, Sendable {
    struct Iterator: AsyncIteratorProtocol {
        var rest: ArraySlice<UInt8>
        var generator: SeededGenerator

        mutating func next() async throws -> [UInt8]? {
            if rest.isEmpty { return nil }
            if generator.oneIn(8) { return [] }
            if generator.oneIn(8) { try await Task.sleep(for: .milliseconds(2)) }
            let chunk = rest.prefix(
                .random(in: 1...(1 << Int.random(in: 0...20, using: &generator)), using: &generator))
            rest = rest.dropFirst(chunk.count)
            return Array(chunk)
        }
    }

    let content: [UInt8]
    let number: Int

    func makeAsyncIterator() -> Iterator {
        Iterator(rest: content[...], generator: SeededGenerator(case: number))
    }
}
