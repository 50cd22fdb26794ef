internal import Synchronization

/// A request whose body is written while its response is read, over one connection; made by
/// ``Client/open(contentType:length:)``.
///
/// ```swift
/// let stream = try await client.open(contentType: "text/plain")
/// try await stream.write("hello\n".utf8)
/// for try await chunk in try await stream.response.body { print(chunk.count) }
/// ```
///
/// Either side may end first. Back-pressure works in both directions: ``write(_:)`` suspends while the network does
/// not take the bytes that were written, and a response that is not read stops the server.
///
/// A stream that is released before ``finish()`` ends its transfer; so do ``cancel()`` and cancelling a task that waits
/// in one of its calls. The body cannot be sent again: redirects are responses, and nothing is retried.
public final class DuplexStream: Sendable {
    private struct State {
        var bytesWritten: Int64 = 0
        var isFinished = false
        /// The response has been received, or the transfer has failed.
        var isAnswered = false
    }

    private let queue: ChunkQueue
    private let connection: ConnectionHandle
    private let id: TransferID
    private let length: Int64?
    private let head: Task<Result<Response, ClientError>, Never>
    private let writes = CallQueue()
    private let state = Mutex(State())

    /// - Parameter head: suspends until the response has arrived.
    init(
        queue: ChunkQueue, connection: ConnectionHandle, id: TransferID, length: Int64?,
        head: @escaping @Sendable () async throws(ClientError) -> Response
    ) {
        self.queue = queue
        self.connection = connection
        self.id = id
        self.length = length
        self.head = Task { await Result(head) }
    }

    deinit {
        if !state.withLock({ $0.isFinished }) { cancel() }
    }

    /// Whether the client must not begin another request yet.
    var isUnderWay: Bool { state.withLock { !$0.isFinished || !$0.isAnswered } }

    /// Writes bytes, which are sent at once, also with a content coding. Suspends while the network has not taken
    /// most of the bytes written before: at most 64 KiB and these are held. Calls of several tasks take effect one
    /// after another.
    ///
    /// - Returns: false if the server has answered with a status of 300 or more, or has ended its answer, and takes no
    ///   more: the bytes were not sent, or not wholly.
    /// - Throws: ``ClientError``: the error that ended the transfer; ``ClientError/Code/nothingOpen`` after
    ///   ``finish()``; ``ClientError/Code/sourceChanged``, and none of the bytes are sent, if they are more than the
    ///   length that was announced.
    @discardableResult
    public func write(_ bytes: some Collection<UInt8>) async throws -> Bool {
        let chunk = ArraySlice(bytes)
        return try await writes.run { _ throws(ClientError) in
            try state.withLock { state throws(ClientError) in
                guard !state.isFinished else { throw ClientError(.nothingOpen, "the stream has been finished") }
                guard state.bytesWritten + Int64(chunk.count) <= length ?? .max else {
                    throw ClientError(
                        .sourceChanged, "more was written to the stream than \(length ?? 0) bytes, its length")
                }
                state.bytesWritten += Int64(chunk.count)
            }
            let isTaken = await withTaskCancellationHandler {
                await queue.append(chunk)
            } onCancel: {
                cancel()
            }
            if !isTaken, let failure = try await awaitResponse().body.source.failure { throw failure }
            return isTaken
        }
    }

    /// Ends the request's body; bytes written before are still sent. Never suspends; a second call has no effect.
    ///
    /// If fewer bytes were written than the length that was announced, the transfer is ended instead.
    public func finish() {
        let (isFirst, isShort) = state.withLock { state in
            defer { state.isFinished = true }
            return (!state.isFinished, state.bytesWritten < length ?? 0)
        }
        guard isFirst else { return }
        if isShort { return cancel() }
        queue.finish()
    }

    /// The response. Suspends until its head has arrived, which may be before or after the end of the request; its
    /// content can be read while the request goes on.
    ///
    /// - Throws: ``ClientError``.
    public var response: Response {
        get async throws { try await awaitResponse() }
    }

    private func awaitResponse() async throws(ClientError) -> Response {
        defer { state.withLock { $0.isAnswered = true } }
        return try await withTaskCancellationHandler {
            await head.value
        } onCancel: {
            cancel()
        }.get()
    }

    /// Ends the transfer at once: calls that wait throw ``ClientError/Code/cancelled``.
    public func cancel() { connection.agent.post(.cancel(id)) }
}
