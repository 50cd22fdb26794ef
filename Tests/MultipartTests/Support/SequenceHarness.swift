import Foundation
import NIOCore
import Testing

@testable import Multipart

/// Chunks, and then an error if there is one. Counts how many have been asked for.
struct Chunks<Element>: AsyncSequence {
    final class Counter { var asked = 0 }

    var chunks: [Element]
    var error: (any Error)?
    let counter = Counter()

    init(_ chunks: [Element], error: (any Error)? = nil) {
        self.chunks = chunks
        self.error = error
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: chunks[...], error: error, counter: counter) }

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<Element>
        var error: (any Error)?
        let counter: Counter

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            counter.asked += 1
            if let chunk = rest.popFirst() { return chunk }
            // After an error, a sequence has ended.
            if let error = error.take() { throw error }
            return nil
        }
    }
}

/// Bytes that are not stored in one piece.
struct ScatteredBytes: RandomAccessCollection, RangeReplaceableCollection, MutableCollection {
    private var bytes: [[UInt8]] = []

    init() {}

    var startIndex: Int { 0 }
    var endIndex: Int { bytes.count }
    subscript(position: Int) -> UInt8 {
        get { bytes[position][0] }
        set { bytes[position] = [newValue] }
    }
    mutating func replaceSubrange(_ range: Range<Int>, with newElements: some Collection<UInt8>) {
        bytes.replaceSubrange(range, with: newElements.map { [$0] })
    }
}

extension ParserHarness {
    /// Reads `message`, split at these offsets, through sequences of several types, and expects what the parser has
    /// reported.
    func compare(_ expected: Outcome, _ message: [UInt8], splits: [Int], _ location: SourceLocation) async {
        var chunks: [[UInt8]] = []
        var start = 0
        for end in splits + [message.count] {
            chunks.append(Array(message[start..<end]))
            start = end
        }
        let padded = chunks.map { [0] + $0 + [0] }
        await expect(expected, of: chunks, location)
        await expect(expected, of: padded.map { $0.dropFirst().dropLast() }, location)
        await expect(expected, of: padded.map { Data($0).dropFirst().dropLast() }, location)
        await expect(
            expected, of: padded.map { ByteBuffer(bytes: $0).readableBytesView.dropFirst().dropLast() }, location)
        await expect(expected, of: chunks.map { ScatteredBytes($0) }, location)
    }

    private func expect<Chunk>(_ expected: Outcome, of chunks: [Chunk], _ location: SourceLocation) async
    where Chunk: RandomAccessCollection & RangeReplaceableCollection, Chunk.Element == UInt8 {
        let read = await self.read(Chunks(chunks), content: true)
        var expected = expected
        // The end of a message is not reported before the epilogue has been read.
        if expected.error != nil { expected.messageEnded = false }
        if read != expected {
            let lengths = chunks.map(\.count)
            Issue.record("\(Chunk.self), \(lengths): \(read), parser: \(expected)", sourceLocation: location)
        }

        let skipped = await self.read(Chunks(chunks), content: false)
        if skipped.heads != expected.heads || skipped.error != expected.error {
            Issue.record("\(Chunk.self), skipped: \(skipped), parser: \(expected)", sourceLocation: location)
        }
    }

    /// Reads a message; without the content of its parts unless `content` is true.
    func read<Source>(_ source: Source, content: Bool) async -> Outcome
    where
        Source: AsyncSequence, Source.Element: RandomAccessCollection & RangeReplaceableCollection,
        Source.Element.Element == UInt8
    {
        var outcome = Outcome()
        do {
            for try await part in MultipartSequence(source, boundary: boundary, limits: limits) {
                outcome.parts.append(ParsedPart(head: part.head))
                guard content else { continue }
                for try await chunk in part.body {
                    if chunk.isEmpty { Issue.record("an empty chunk") }
                    outcome.parts[outcome.parts.count - 1].content += chunk
                }
                outcome.parts[outcome.parts.count - 1].isComplete = true
            }
            outcome.messageEnded = true
        } catch let error as MultipartError {
            outcome.error = error.code
        } catch {
            Issue.record(error)
        }
        return outcome
    }
}
