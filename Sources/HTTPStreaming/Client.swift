internal import Synchronization

/// Streams parts to one URL as `multipart/form-data` (RFC 7578), in constant memory.
///
/// ```swift
/// let client = try Client(.post, "http://localhost:3000")
///
/// let response = try await client.send(.file("big.bin"))
/// print(response.status, try await response.text())
///
/// try await client.sendUnclosed(.file("a.bin"))
/// try await client.sendUnclosed(.file("b.bin"))
/// let both = try await client.close()
/// ```
///
/// A client is one connection, kept from one request to the next; calls on it run one after
/// another, in order. For parallel uploads use several: they share a few threads. All calls
/// suspend and none blocks.
///
/// A status of 4xx or 5xx is a response, not an error, also when it comes before the body was
/// sent: the rest is not sent then. A call that throws has ended its request, and the client is
/// ready for the next, with two exceptions: a part that cannot be opened, and a call cancelled
/// before its turn, leave an open request as it was.
///
/// Time limits and the rate are in the ``Configuration``; ``pause()``, ``resume()`` and ``cancel()``
/// may be called while a call is running, by anyone.
public final class Client: Sendable {
    let settings: ClientSettings
    let url: String
    let connection: ConnectionHandle
    let turnstile = Turnstile()
    let control: UploadControl
    let progressHub = ProgressHub()
    private let state = Mutex(State())

    var method: Method { settings.method }
    var configuration: Configuration { settings.configuration }

    private struct State {
        var serial: UInt64 = 0
        /// The request begun by ``Client/sendUnclosed(_:progress:)``.
        var open: Exchange?
        /// The last one that ``Client/open(contentType:length:)`` has made.
        weak var stream: DuplexStream?
    }

    /// Makes a client; connects nothing.
    ///
    /// - Parameters:
    ///   - method: of every request.
    ///   - url: absolute, `http` or `https`. A user and a password in it, percent-encoded, are the same as
    ///     ``Authentication/basic(user:password:)``.
    ///   - configuration: the same for all requests.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/invalidURL`` or
    ///   ``ClientError/Code/invalidConfiguration``.
    public init(_ method: Method = .post, _ url: String, configuration: Configuration = Configuration()) throws {
        if let complaint = CurlURL.complaint(about: url) {
            throw ClientError(.invalidURL, "malformed URL: \(complaint)")
        }
        guard let (url, credentials) = CurlURL.separate(url) else {
            throw ClientError(.invalidURL, "malformed URL: the user or the password is no text")
        }
        var configuration = configuration
        if let credentials {
            guard configuration.authentication == .none else {
                throw ClientError(.invalidConfiguration, "there is an authentication, and a user in the URL besides")
            }
            configuration.authentication = .basic(user: credentials.user, password: credentials.password)
        }
        try configuration.validate(method)
        settings = ClientSettings(method, configuration)
        self.url = url
        control = UploadControl(maximumRate: configuration.maximumUploadRate)
        connection = try ConnectionHandle()
    }

    /// Sends a request with these parts and returns the response: when its head has come and the
    /// body has been given away whole, or need not be, or when the server waits for its content to
    /// be read.
    ///
    /// The request has an exact `Content-Length`, if the length can be known: not with a
    /// ``Configuration/contentCoding`` or a ``Part/gzipped(level:)`` part. If one is open by
    /// ``sendUnclosed(_:progress:)``, the parts are added to that one and it is finished.
    ///
    /// With no part, a request of POST, PUT or PATCH has an empty document as its body, and any
    /// other none.
    ///
    /// - Parameters:
    ///   - parts: in this order; the files among them are looked at when the call begins.
    ///   - progress: called each ``Configuration/progressInterval`` while the request goes on and something
    ///     changes, and before the call returns, or throws what has ended it, with how far it has got
    ///     then. One call at a time; a slow one misses values, but never holds up the transfer.
    /// - Throws: ``ClientError``. If a file cannot be opened, nothing of these parts has been sent,
    ///   and a request that was open before stays open.
    public func send(
        _ parts: Part..., progress: (@Sendable (UploadProgress) -> Void)? = nil
    ) async throws -> Response {
        try await send(parts, progress: progress)
    }

    /// Sends a request with these parts; see ``send(_:progress:)-(Part...,_)``.
    public func send(
        _ parts: [Part], progress: (@Sendable (UploadProgress) -> Void)? = nil
    ) async throws -> Response {
        try await turnstile.pass { try await finish(parts, turn: $0, progress: progress) }
    }

    /// Sends a part as the next one of an open request, and leaves that open for more; the first
    /// call begins it.
    ///
    /// Suspends until the network has taken the part. The length of the request being unknown at
    /// its start, it is sent chunked (RFC 9112 §7.1).
    ///
    /// - Parameters:
    ///   - part: the next one.
    ///   - progress: as with ``send(_:progress:)-(Part...,_)``; counts the whole request.
    /// - Returns: false if the server has answered already, with a status of 300 or more, and takes
    ///   no more: the part was not sent, or not wholly. ``close(progress:)`` returns the answer.
    /// - Throws: ``ClientError``. If the file cannot be opened, nothing of it has been sent, and a
    ///   request that was open before stays open.
    @discardableResult
    public func sendUnclosed(
        _ part: Part, progress: (@Sendable (UploadProgress) -> Void)? = nil
    ) async throws -> Bool {
        try await turnstile.pass { turn in
            switch try await perform([part], isLast: false, turn: turn, progress: progress).0 {
            case .partsSent: true
            case .answered: false
            }
        }
    }

    /// Finishes the open request and returns the response; see ``send(_:progress:)-(Part...,_)``.
    ///
    /// - Parameter progress: as with ``send(_:progress:)-(Part...,_)``; counts the whole request.
    /// - Throws: ``ClientError``, with the code ``ClientError/Code/nothingOpen`` if no request is
    ///   open.
    public func close(progress: (@Sendable (UploadProgress) -> Void)? = nil) async throws -> Response {
        try await turnstile.pass { turn in
            guard state.withLock({ $0.open != nil }) else {
                throw ClientError(.nothingOpen, "there is no open request to close")
            }
            return try await finish([], turn: turn, progress: progress)
        }
    }

    private nonisolated(nonsending) func finish(
        _ parts: [Part], turn: Turnstile.Turn, progress: (@Sendable (UploadProgress) -> Void)?
    ) async throws -> Response {
        switch try await perform(parts, isLast: true, turn: turn, progress: progress) {
        case (.answered(let answer), let id):
            return Response(answer, connection: connection, id: id)
        case (.partsSent, _):
            preconditionFailure("that is not the goal of a last part")
        }
    }

    /// Begins a request, or adds to the open one, and suspends until it has got as far as it can; sends
    /// it again where that is called for.
    private nonisolated(nonsending) func perform(
        _ parts: [Part], isLast: Bool, turn: Turnstile.Turn, progress: (@Sendable (UploadProgress) -> Void)?
    ) async throws -> (Waiter.Outcome, TransferID) {
        guard method != .head || parts.isEmpty else {
            throw ClientError(.invalidConfiguration, "a HEAD request takes no parts")
        }
        let (open, isStreaming) = state.withLock { ($0.open, $0.stream?.isUnderWay ?? false) }
        guard !isStreaming else { throw ClientError(.streamOpen, "a stream of this client has not been finished") }
        var exchange =
            open
            ?? Exchange(
                id: nextID(), url: url, isOpenEnded: !isLast, progress: progressHub, control: control)
        // If this fails, an open request stays as it was.
        let prepared = try await exchange.prepare(
            parts, recognizesCompressed: configuration.contentCoding.storesIncompressible)
        exchange.append(prepared, isLast: isLast)
        do {
            let counter = exchange.counter
            let outcome = try await reporting(counter, to: progress) {
                try await run(&exchange, isNew: open == nil, prepared, turn)
            }
            // The request may have been ended right behind its success: the next call, perhaps by
            // another task, must not meet that.
            let isCancelled = state.withLock { [exchange] state in
                let isCancelled = !isLast && (Task.isCancelled || turn.isCancelled)
                state.open = isLast || isCancelled ? nil : exchange
                return isCancelled
            }
            if isCancelled {
                connection.agent.post(.cancel(exchange.id))
                throw ClientError.cancelled(bytesSent: outcome.bytesSent)
            }
            return (outcome, exchange.id)
        } catch {
            state.withLock { $0.open = nil }
            throw error
        }
    }

    /// - Parameters:
    ///   - isNew: whether the agent has nothing of the request yet.
    ///   - parts: the ones that are new to it.
    private nonisolated(nonsending) func run(
        _ exchange: inout Exchange, isNew: Bool, _ parts: [PreparedPart], _ turn: Turnstile.Turn
    ) async throws -> Waiter.Outcome {
        var step =
            isNew
            ? Step.start(exchange.request(settings, parts))
            : .append(parts, isLast: exchange.isFinished)
        while true {
            let next: Exchange.Next
            do {
                let outcome = try await perform(step, of: exchange, turn)
                guard case .answered(let answer) = outcome else { return outcome }
                do {
                    guard let again = try exchange.next(after: answer, method, configuration) else { return outcome }
                    next = again
                } catch {
                    connection.agent.post(.contentAbandoned(exchange.id))
                    throw error
                }
                connection.agent.post(.contentAbandoned(exchange.id))
            } catch let error as ClientError {
                next = try exchange.next(after: error, method, configuration)
            }
            exchange = try await turn.run { [exchange, id = nextID(), coding = configuration.contentCoding] in
                var exchange = exchange
                try await exchange.begin(next, id: id, coding: coding)
                return exchange
            }
            step = .start(exchange.request(settings, exchange.parts ?? []))
        }
    }

    /// What the agent is told of an exchange.
    private enum Step {
        case start(TransferRequest)
        case append([PreparedPart], isLast: Bool)
    }

    private nonisolated(nonsending) func perform(
        _ step: Step, of exchange: Exchange, _ turn: Turnstile.Turn
    ) async throws -> Waiter.Outcome {
        let (agent, id) = (connection.agent, exchange.id)
        let goal = exchange.isFinished ? Waiter.Goal.answer : .partsSent
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = Waiter(goal) { continuation.resume(with: $0) }
                switch step {
                case .start(let request): agent.post(.start(id, request, waiter), takingTurn: true)
                case .append(let parts, let isLast):
                    agent.post(.append(id, parts, isLast: isLast, waiter), takingTurn: true)
                }
                // The handler below, or cancel(), may have run already, before there was anything to cancel.
                if Task.isCancelled || turn.isCancelled { agent.post(.cancel(id)) }
            }
        } onCancel: {
            agent.post(.cancel(id))
        }
    }

    /// For ``open(contentType:length:)``: the stream that `make` makes is the one under way.
    func claimStream(_ make: (TransferID) -> DuplexStream) throws -> DuplexStream {
        let (isOpen, isStreaming) = state.withLock { ($0.open != nil, $0.stream?.isUnderWay ?? false) }
        guard !isOpen, !isStreaming else {
            throw ClientError(.streamOpen, "a request of this client is open, and has to be finished first")
        }
        let stream = make(nextID())
        state.withLock { $0.stream = stream }
        return stream
    }

    /// Forgets the open request, or stream, which has been ended.
    func forgetOpenRequest() {
        state.withLock { state in
            state.open = nil
            state.stream = nil
        }
    }

    private func nextID() -> TransferID {
        state.withLock { state in
            state.serial += 1
            return TransferID(connection: connection.id, serial: state.serial)
        }
    }
}
