/// What a ``MultipartSequence``'s iterator and its parts share: the source, the parser, and the chunk being parsed.
///
/// Inlinable, like all of the sequence, so that a program has it for its own type of chunks: without, 64 KiB take nearly
/// twice the parser's time.
@usableFromInline
final class MultipartReader<Source: AsyncSequence>
where Source.Element: RandomAccessCollection & RangeReplaceableCollection, Source.Element.Element == UInt8 {
    @usableFromInline typealias Chunk = Source.Element

    /// Nil while a chunk is being awaited.
    @usableFromInline var source: Source.AsyncIterator?
    @usableFromInline var sourceHasEnded = false
    @usableFromInline var parser: MultipartParser
    /// The chunk that is being parsed.
    @usableFromInline var chunk: Chunk?
    /// Its bytes, if it does not store them in one piece.
    @usableFromInline var copy: [UInt8]?
    /// The number of its bytes that have been parsed.
    @usableFromInline var offset = 0
    /// The number of the current part; 0 before the first.
    @usableFromInline var part = 0
    @usableFromInline var isInPart = false
    @usableFromInline var failure: (any Error)?

    @inlinable
    init(_ source: Source.AsyncIterator, parser: MultipartParser) {
        self.source = source
        self.parser = parser
    }

    /// Skips to the next part; nil at the end of the source.
    @inlinable
    func nextPart(isolation: isolated (any Actor)?) async throws -> (head: PartHead, number: Int)? {
        part += 1
        let number = part
        while let event = try await nextEvent(isolation: isolation) {
            guard case .partBegan(let head) = event else { continue }
            isInPart = true
            return (head, number)
        }
        return nil
    }

    /// Returns content of the current part, which must have this number; nil at its end.
    @inlinable
    func nextContent(
        ofPart number: Int, isolation: isolated (any Actor)?
    ) async throws -> Source.Element.SubSequence? {
        guard number == part else {
            throw MultipartError.partPassed
        }
        guard isInPart else { return nil }
        switch try await nextEvent(isolation: isolation) {
        case .content(let range): return slice(range)
        case .heldContent(let bytes): return Chunk.SubSequence(bytes)
        case .partEnded:
            isInPart = false
            return nil
        case .partBegan, .messageEnded, nil:
            preconditionFailure("the parser reports the end of a part before anything else")
        }
    }

    @inlinable
    func slice(_ range: Range<Int>) -> Chunk.SubSequence? {
        guard let chunk else { return nil }
        let start = chunk.index(chunk.startIndex, offsetBy: range.lowerBound)
        return chunk[start..<chunk.index(start, offsetBy: range.count)]
    }

    /// Returns the parser's next event; nil if the source has ended, and the message is complete.
    @inlinable
    func nextEvent(isolation: isolated (any Actor)?) async throws -> MultipartParser.Event? {
        if let failure { throw failure }
        do {
            while true {
                if let event = try parse() { return event }
                chunk = nil
                guard let next = try await nextChunk(isolation: isolation) else { break }
                let isContiguous: Void? = next.withContiguousStorageIfAvailable { _ in }
                copy = isContiguous == nil ? Array(next) : nil
                chunk = next
                offset = 0
            }
            try parser.finish()
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    @inlinable
    func parse() throws(MultipartError) -> MultipartParser.Event? {
        guard let chunk else { return nil }
        var offset = offset
        defer { self.offset = offset }
        let parse = { (bytes: UnsafeBufferPointer<UInt8>) in
            Result { () throws(MultipartError) in
                try self.parser.next(in: UnsafeRawBufferPointer(bytes), at: &offset)
            }
        }
        if let copy { return try copy.withUnsafeBufferPointer(parse).get() }
        return try chunk.withContiguousStorageIfAvailable(parse)?.get()
    }

    @inlinable
    func nextChunk(isolation: isolated (any Actor)?) async throws -> Chunk? {
        try Task.checkCancellation()
        guard !sourceHasEnded else { return nil }
        // An actor may have two tasks that take turns.
        guard var iterator = source.take() else {
            throw MultipartError.concurrentRead
        }
        defer { source = iterator }
        let chunk = try await iterator.next(isolation: isolation)
        if chunk == nil {
            sourceHasEnded = true
            // The sequence of a cancelled task may end without an error.
            try Task.checkCancellation()
        }
        return chunk
    }
}

extension MultipartError {
    @usableFromInline
    static var partPassed: MultipartError {
        MultipartError(.partPassed, "the content of a part was read after the next part had been asked for")
    }

    @usableFromInline
    static var concurrentRead: MultipartError {
        MultipartError(.concurrentRead, "a message is being read by two tasks at the same time")
    }
}
