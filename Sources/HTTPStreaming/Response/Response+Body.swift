internal import ContentCoding
internal import Synchronization

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

extension Response.Body {
    /// The reader's side of a response; when it is gone, the rest is thrown away.
    final class Source: Sendable {
        private struct State: ~Copyable {
            /// Whether a task is in ``Source/next()``.
            var isReading = false
            /// Nil if the content is given as it comes.
            var decoder: ChunkDecoder?
        }

        private let content: ContentBuffer
        private let connection: ConnectionHandle
        private let id: TransferID
        private let state: Mutex<State>

        /// - Parameter coding: what is to be undone.
        init(content: ContentBuffer, coding: Coding?, connection: ConnectionHandle, id: TransferID) {
            self.content = content
            self.connection = connection
            self.id = id
            state = Mutex(State(decoder: coding.map { ChunkDecoder($0) }))
        }

        deinit {
            // Nobody has to be woken for what is over.
            if !content.isFullyRead { connection.agent.post(.contentAbandoned(id)) }
        }

        /// What the transfer has failed with, if it has.
        var failure: ClientError? { content.failure }

        /// The next chunk, or nil at the end.
        nonisolated(nonsending) func next() async throws -> [UInt8]? {
            try state.withLock { state throws(ClientError) in
                guard !state.isReading else {
                    throw ClientError(
                        .alreadyReading, "the content of a response can be read by one task at a time")
                }
                state.isReading = true
            }
            defer { state.withLock { $0.isReading = false } }
            // What has come already may stand for a thousand times as much.
            guard !Task.isCancelled else {
                connection.agent.post(.cancel(id))
                throw ClientError.cancelled()
            }
            while true {
                if let piece = try state.withLock({ try $0.decoder?.next() }) { return piece }
                guard let chunk = try await nextChunk() else {
                    try state.withLock { try $0.decoder?.finish() }
                    return nil
                }
                let isDecoded = state.withLock { $0.decoder?.append(chunk) != nil }
                if !isDecoded { return chunk }
            }
        }

        /// As it came.
        private nonisolated(nonsending) func nextChunk() async throws -> [UInt8]? {
            // Often it is there, and nobody has to be suspended.
            if let result = content.nextIfAvailable(onUnblocked: unblockAgent) { return try result.get() }
            return try await withTaskCancellationHandler {
                try await content.next(onUnblocked: unblockAgent)
            } onCancel: {
                connection.agent.post(.cancel(id))
            }
        }

        private func unblockAgent() { connection.agent.post(.contentConsumed(id)) }
    }
}
