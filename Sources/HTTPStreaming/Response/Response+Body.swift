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
        fileprivate struct State: ~Copyable {
            var content: ContentBuffer
            var id: TransferID
            /// Whether a task is running ``Source/next()``.
            var isReading = false
            /// Nil if the content is not decoded.
            var decoder: ChunkDecoder?
            /// How many bytes have been received, before decoding.
            var bytesReceived: Int64 = 0
            /// The number of bytes at which the content of a 206 ends, and the whole content; nil if libcurl knows the end.
            var end: (content: Int64, whole: Int64)?
        }

        private let connection: ConnectionHandle
        private let state: Mutex<State>

        /// - Parameter coding: the content coding to decode; nil for none.
        init(content: ContentBuffer, coding: Coding?, connection: ConnectionHandle, id: TransferID) {
            self.connection = connection
            state = Mutex(State(content: content, id: id, decoder: coding.map { ChunkDecoder($0) }))
        }

        deinit {
            let (content, id) = current
            // Waking the agent is needless once the transfer has ended.
            if !content.isFullyRead { connection.agent.post(.contentAbandoned(id)) }
        }

        private var current: (content: ContentBuffer, id: TransferID) { state.withLock { ($0.content, $0.id) } }

        /// The error that ended the content; nil if there is none.
        var failure: ClientError? { current.content.failure }

        /// How many bytes have been received, before decoding.
        var bytesReceived: Int64 { state.withLock { $0.bytesReceived } }

        /// Counts bytes that were received by another process. To be called before the content is read.
        func skip(_ count: Int64) { state.withLock { $0.bytesReceived = count } }

        /// Goes on with the content of another response, behind the bytes received so far. To be called by the reader.
        ///
        /// - Parameters:
        ///   - end: the number of bytes at which that content ends.
        ///   - whole: the number of bytes of all content.
        func append(_ content: ContentBuffer, id: TransferID, end: Int64, whole: Int64) {
            state.withLock { state in
                (state.content, state.id) = (content, id)
                state.end = (end, whole)
            }
        }

        /// Begins again with the content of another response. To be called by the reader.
        func replace(with content: ContentBuffer, id: TransferID, coding: Coding?) {
            state.withLock { state in
                (state.content, state.id) = (content, id)
                state.decoder = coding.map { ChunkDecoder($0) }
                state.bytesReceived = 0
                state.end = nil
            }
        }

        /// The next chunk, or nil at the end.
        nonisolated(nonsending) func next() async throws(ClientError) -> [UInt8]? {
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
                connection.agent.post(.cancel(current.id))
                throw ClientError.cancelled()
            }
            while true {
                let piece = try state.withLock { state throws(ClientError) in try state.decoder?.next() }
                if let piece { return piece }
                guard let chunk = try await nextChunk() else {
                    try state.withLock { state throws(ClientError) in
                        try state.checkEnd()
                        try state.decoder?.finish()
                    }
                    return nil
                }
                let isDecoded = try state.withLock { state throws(ClientError) in try state.received(chunk) }
                if !isDecoded { return chunk }
            }
        }

        /// The next chunk as received, not decoded.
        private nonisolated(nonsending) func nextChunk() async throws(ClientError) -> [UInt8]? {
            let (content, id) = current
            let agent = connection.agent
            let unblockAgent = { agent.post(.contentConsumed(id)) }
            // Often a chunk is available without suspending.
            if let result = content.nextIfAvailable(onUnblocked: unblockAgent) { return try result.get() }
            return try await withTaskCancellationHandler {
                await content.next(onUnblocked: unblockAgent)
            } onCancel: {
                agent.post(.cancel(id))
            }.get()
        }
    }
}

extension Response.Body.Source.State {
    /// Counts a chunk, and gives it to the decoder.
    ///
    /// - Returns: whether there is a decoder.
    fileprivate mutating func received(_ chunk: [UInt8]) throws(ClientError) -> Bool {
        bytesReceived += Int64(chunk.count)
        guard bytesReceived <= end?.content ?? .max else {
            throw ClientError(.invalidResponse, "the server sent more bytes than its Content-Range says")
        }
        return decoder?.append(chunk) != nil
    }

    /// Checks that the content that has ended was all of it.
    fileprivate func checkEnd() throws(ClientError) {
        guard let end, bytesReceived < end.whole else { return }
        throw ClientError(.connectionLost, "the server sent \(bytesReceived) of \(end.whole) bytes")
    }
}
