internal import ContentCoding
internal import Synchronization

extension Response {
    /// The content of a response as a sequence of non-empty chunks of bytes, of any size. Each byte is delivered once,
    /// even with several iterators.
    ///
    /// Reading suspends until bytes arrive. If the reader pauses, the client stops receiving after at most 272 KiB, and
    /// so the server stops sending. Coded content is decoded by the reading task, 64 KiB at a time; no more decoded
    /// content than that is held in memory. Cancelling the reading task ends the transfer. The client's next request
    /// discards unread content beyond those 272 KiB.
    ///
    /// Iterating throws a ``ClientError``:
    /// - ``ClientError/Code/connectionLost`` if the content ends early;
    /// - ``ClientError/Code/timedOut`` if a time limit is exceeded;
    /// - ``ClientError/Code/invalidContent`` if it cannot be decoded, which the checksum may show only at the end;
    /// - ``ClientError/Code/responseDiscarded`` if the content was discarded;
    /// - ``ClientError/Code/alreadyReading`` if another task is reading;
    /// - ``ClientError/Code/cancelled``.
    public struct Body: AsyncSequence, Sendable {
        /// Reads the content; see ``Response/Body``.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let source: Source

            /// The next chunk; nil at the end. Suspends until bytes arrive.
            public mutating func next() async throws -> [UInt8]? { try await source.next() }
        }

        let source: Source

        /// Makes an iterator; see ``Response/Body``.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
    }
}

extension Response.Body {
    /// The reader's side of a response. Releasing it discards the unread content.
    final class Source: Sendable {
        private struct State: ~Copyable {
            /// Whether a task is running ``Source/next()``.
            var isReading = false
            /// Nil if the content is not decoded.
            var decoder: ChunkDecoder?
        }

        private let content: ContentBuffer
        private let connection: ConnectionHandle
        private let id: TransferID
        private let state: Mutex<State>

        /// - Parameter coding: the content coding to decode; nil for none.
        init(content: ContentBuffer, coding: Coding?, connection: ConnectionHandle, id: TransferID) {
            self.content = content
            self.connection = connection
            self.id = id
            state = Mutex(State(decoder: coding.map { ChunkDecoder($0) }))
        }

        deinit {
            // Waking the agent is needless once the transfer has ended.
            if !content.isFullyRead { connection.agent.post(.contentAbandoned(id)) }
        }

        /// The error that ended the content; nil if there is none.
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
            // Also before decoding: received bytes may decode to a thousand times as many.
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

        /// The next chunk as received, not decoded.
        private nonisolated(nonsending) func nextChunk() async throws -> [UInt8]? {
            // Often a chunk is available without suspending.
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
