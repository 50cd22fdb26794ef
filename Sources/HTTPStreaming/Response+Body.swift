extension Response {
    /// The content of a response as a sequence of chunks of bytes, none empty, of any size; each
    /// byte is given once, whatever the number of iterators.
    ///
    /// A reader that stops reading stops the server, after at most 272 KiB. Reading suspends until
    /// something arrives; cancelling the reading task ends the transfer. What is not read before
    /// the client's next request, beyond those 272 KiB, is thrown away.
    ///
    /// Iterating throws ``ClientError/Code/connectionLost`` if the content is cut off,
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
        private let content: ContentBuffer
        private let connection: ConnectionHandle
        private let id: TransferID

        init(content: ContentBuffer, connection: ConnectionHandle, id: TransferID) {
            self.content = content
            self.connection = connection
            self.id = id
        }

        deinit { connection.agent.post(.contentAbandoned(id)) }

        func next() async throws -> [UInt8]? {
            try await withTaskCancellationHandler {
                try await content.next { connection.agent.post(.contentConsumed(id)) }
            } onCancel: {
                connection.agent.post(.cancel(id))
            }
        }
    }
}
