extension Response {
    /// The content of a response as a sequence of chunks of bytes, none empty, of any size; each
    /// byte is given once, whatever the number of iterators.
    ///
    /// A reader that stops reading stops the server, after at most 272 KiB as they came. Coded
    /// content is decoded by the reading task, 64 KiB at a time, as it is asked for: so much of it
    /// is held at most, whatever it grows to. Reading suspends until something arrives; cancelling
    /// the reading task ends the transfer. What is not read before the client's next request, beyond
    /// those 272 KiB, is thrown away.
    ///
    /// Iterating throws ``ClientError/Code/connectionLost`` if the content is cut off,
    /// ``ClientError/Code/invalidContent`` if it cannot be decoded, which may show at the end only,
    /// where the checksum is,
    /// ``ClientError/Code/responseDiscarded`` if it was thrown away,
    /// ``ClientError/Code/alreadyReading`` if another task is reading, and
    /// ``ClientError/Code/cancelled``.
    public struct Body: AsyncSequence, Sendable {
        public struct AsyncIterator: AsyncIteratorProtocol {
            let source: Source

            public mutating func next() async throws -> [UInt8]? { try await source.next() }
        }

        let source: Source

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
    }
}
