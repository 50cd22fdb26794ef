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
/// Either side may end first. Back-pressure is real in both directions: ``write(_:)`` suspends while the
/// network does not take what was written, and a response that is not read stops the server.
///
/// When a stream is let go before ``finish()``, its transfer is ended; so is it by ``cancel()``, and by
/// cancelling a task that waits in one of its calls. The body cannot be sent again: redirects are
/// responses, and nothing is tried twice.
public final class DuplexStream: Sendable {
    private struct State {
        var bytesWritten: Int64 = 0
        var isFinished = false
        /// There is a response, or none will come.
        var isAnswered = false
    }

    private let client: Client
    private let id: TransferID
    private let pipe: StreamQueue
    private let length: Int64?
    private let head: Task<Response, any Error>
    private let turnstile = Turnstile()
    private let state = Mutex(State())

    /// - Parameter head: waits for the response.
    init(
        client: Client, id: TransferID, pipe: StreamQueue, length: Int64?,
        head: @escaping @Sendable () async throws -> Response
    ) {
        self.client = client
        self.id = id
        self.pipe = pipe
        self.length = length
        self.head = Task { try await head() }
    }

    deinit {
        if !state.withLock({ $0.isFinished }) { client.cancel(id) }
    }

    /// Whether the client cannot begin another request yet.
    var isUnderWay: Bool { state.withLock { !$0.isFinished || !$0.isAnswered } }

    /// Writes bytes, which are sent at once, with a content coding too. Suspends while the network has
    /// not taken most of what was written before: no more than 64 KiB and these are held. Calls of several
    /// tasks take effect one after another.
    ///
    /// - Returns: false if the server has answered, with a status of 300 or more, or all there is to its
    ///   answer, and takes no more: the bytes were not sent, or not wholly.
    /// - Throws: ``ClientError``: what ended the transfer; ``ClientError/Code/nothingOpen`` behind
    ///   ``finish()``; ``ClientError/Code/sourceChanged``, and nothing of the bytes is sent, if they are
    ///   more than the length that was announced.
    @discardableResult
    public func write(_ bytes: some Collection<UInt8>) async throws -> Bool {
        let chunk = ArraySlice(bytes)
        return try await turnstile.pass { _ in
            try state.withLock { state throws(ClientError) in
                guard !state.isFinished else { throw ClientError(.nothingOpen, "the stream has been finished") }
                guard state.bytesWritten + Int64(chunk.count) <= length ?? .max else {
                    throw ClientError(
                        .sourceChanged, "more was written to the stream than \(length ?? 0) bytes, its length")
                }
                state.bytesWritten += Int64(chunk.count)
            }
            let isTaken = await withTaskCancellationHandler {
                await pipe.append(chunk)
            } onCancel: {
                cancel()
            }
            if !isTaken, let failure = try await response.body.source.failure { throw failure }
            return isTaken
        }
    }

    /// Ends the request's body; what was written before is still sent. Never suspends; the second time
    /// nothing happens.
    ///
    /// If less was written than the length that was announced, the transfer is ended instead.
    public func finish() {
        let (isFirst, isShort) = state.withLock { state in
            defer { state.isFinished = true }
            return (!state.isFinished, state.bytesWritten < length ?? 0)
        }
        guard isFirst else { return }
        if isShort { return client.cancel(id) }
        pipe.finish()
        client.finish(id)
    }

    /// The response. Suspends until its head is here, which may be before or behind the request's end;
    /// then its content can be read while the request goes on.
    ///
    /// - Throws: ``ClientError``.
    public var response: Response {
        get async throws {
            defer { state.withLock { $0.isAnswered = true } }
            return try await withTaskCancellationHandler {
                try await head.value
            } onCancel: {
                cancel()
            }
        }
    }

    /// Ends the transfer wherever it is: calls that wait throw ``ClientError/Code/cancelled``.
    public func cancel() { client.cancel(id) }
}
