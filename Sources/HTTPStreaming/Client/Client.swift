internal import Platform
internal import Synchronization

/// Streams files to HTTP servers in constant memory: as `multipart/form-data` (RFC 7578) to the client's URL, or as
/// requests of any kind.
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
///
/// let stored = try await client.send(Request(.put, "http://localhost:3000/big.bin", content: .file("big.bin")))
/// ```
///
/// A client is one connection, which is kept from one request to the next; calls on it run one after another, in
/// order. For parallel uploads use several clients: they share a few threads. All calls suspend and none blocks.
///
/// A status of 4xx or 5xx is a response, not an error, also when it arrives before the body was sent: the rest is not
/// sent then. ``Response/requireSuccess()`` makes it an error. A call that throws has ended its request, and the
/// client is ready for the next one, with two exceptions: a part that cannot be opened, and a call that is cancelled
/// before its turn, leave an open request as it was.
///
/// Time limits and the rate are in the ``Configuration``; ``pause()``, ``resume()`` and ``cancel()`` may be called by
/// any task while a call is running.
public final class Client: Sendable {
    let settings: ClientSettings
    /// Nil for a client without a URL.
    let target: (method: Method, url: String)?
    let connection: ConnectionHandle
    let calls = CallQueue()
    let control: UploadControl
    let progressHub = ProgressHub<UploadProgress>()
    private let state = Mutex(State())

    var configuration: Configuration { settings.configuration }

    private struct State {
        var serial: UInt64 = 0
        /// The request that ``Client/sendUnclosed(_:progress:)`` has begun.
        var open: Exchange?
        /// The last one that ``Client/open(contentType:length:)`` has made.
        weak var stream: DuplexStream?
    }

    /// Makes a client for requests to one URL; connects nothing.
    ///
    /// The header fields, the authentication and the client certificate of the configuration go to the origin of this
    /// URL only (scheme, host and port), also with ``send(_:progress:)-(Request,_)``.
    ///
    /// - Parameters:
    ///   - method: of the requests of ``send(_:progress:)-(Part...,_)``, ``sendUnclosed(_:progress:)`` and
    ///     ``open(contentType:length:)``.
    ///   - url: absolute, `http` or `https`. A user and a password in it, percent-encoded, are the same as
    ///     ``Authentication/basic(user:password:)``.
    ///   - configuration: the same for all requests.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/invalidURL`` or
    ///   ``ClientError/Code/invalidConfiguration``.
    public convenience init(
        _ method: Method = .post, _ url: String, configuration: Configuration = Configuration()
    ) throws {
        let (url, credentials) = try CurlURL.check(url)
        var configuration = configuration
        if let credentials {
            guard configuration.authentication == .none else { throw ClientError.twoCredentials }
            configuration.authentication = credentials
        }
        try ClientError.require(ASCII.isToken(method.description), "the method is not a token")
        try self.init(target: (method, url), configuration)
    }

    /// Makes a client for ``send(_:progress:)-(Request,_)``, to any URL; connects nothing.
    ///
    /// The header fields, the authentication and the client certificate of the configuration go to the origin of each
    /// request's URL.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/invalidConfiguration``.
    public convenience init(configuration: Configuration = Configuration()) throws {
        try self.init(target: nil, configuration)
    }

    private init(target: (method: Method, url: String)?, _ configuration: Configuration) throws(ClientError) {
        try configuration.validate()
        self.target = target
        settings = ClientSettings(configuration, url: target?.url)
        control = UploadControl(maximumRate: configuration.maximumUploadBytesPerSecond)
        connection = try ConnectionHandle()
    }

    /// Sends a request to any URL on the client's connection, and returns the response: when its head has arrived
    /// and the body has been sent, or need not be, or when the server waits for its content to be read.
    ///
    /// The request has an exact `Content-Length` if the length is known: not with a
    /// ``Configuration/contentCoding``. Redirects, retries, and what is sent again on a new connection are as the
    /// ``Configuration`` says.
    ///
    /// - Parameters:
    ///   - request: its content is opened and measured when the call begins.
    ///   - progress: as with ``send(_:progress:)-(Part...,_)``.
    /// - Throws: ``ClientError``, with the code ``ClientError/Code/requestOpen`` if a request is open by
    ///   ``sendUnclosed(_:progress:)`` or ``open(contentType:length:)``.
    public func send(
        _ request: Request, progress: (@Sendable (UploadProgress) -> Void)? = nil
    ) async throws -> Response {
        try await calls.run { call throws(ClientError) in
            guard try openRequest() == nil else { throw ClientError.requestOpen }
            let prepared = try await PreparedRequest(request, configuration)
            var exchange = Exchange(id: nextID(), prepared, settings, progressHub, control)
            try await exchange.openJournal()
            return response(try await run(exchange, isNew: true, call, progress), call)
        }
    }

    /// Sends a request with these parts to the client's URL and returns the response: when its head has arrived and
    /// the body has been sent, or need not be, or when the server waits for its content to be read.
    ///
    /// The request has an exact `Content-Length` if the length is known: not with a
    /// ``Configuration/contentCoding`` or a ``Part/gzipped(level:)`` part. If a request is open by
    /// ``sendUnclosed(_:progress:)``, the parts are added to that one and it is finished.
    ///
    /// With no part, a request of POST, PUT or PATCH has an empty document as its body, and any other has none.
    ///
    /// - Parameters:
    ///   - parts: in this order; the files among them are opened and measured when the call begins.
    ///   - progress: called each ``Configuration/progressInterval`` while the request goes on and something changes,
    ///     and with the final state before the call returns or throws. Runs in a task of its own, on the threads of
    ///     Swift's concurrency library, one call at a time; a slow one misses values, but never delays the transfer.
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
        try await calls.run { call throws(ClientError) in
            response(try await add(parts, isLast: true, call, progress), call)
        }
    }

    /// Sends a part as the next one of an open request, which stays open for more; the first call begins it.
    ///
    /// Suspends until the network has taken the part. Since the length of the request is not known at
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
        try await calls.run { call throws(ClientError) in
            switch try await add([part], isLast: false, call, progress).outcome {
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
        try await calls.run { call throws(ClientError) in
            guard try openRequest() != nil else {
                throw ClientError(.nothingOpen, "there is no open request to close")
            }
            return response(try await add([], isLast: true, call, progress), call)
        }
    }

    func response(_ result: (outcome: Waiter.Outcome, exchange: Exchange), _ call: CallQueue.Call) -> Response {
        guard case .answered(let answer) = result.outcome else {
            preconditionFailure("a finished request ends with an answer")
        }
        return Response(
            answer, connection: connection, id: result.exchange.id,
            download: DownloadSession(self, call, result.exchange, isDecoded: answer.isDecoded))
    }

    /// Whether no other request has been begun since the one with this identifier.
    func isLatest(_ id: TransferID) -> Bool { state.withLock { $0.serial == id.serial } }

    /// The request that is open for more parts.
    ///
    /// - Throws: ``ClientError/Code/requestOpen`` while a stream is under way.
    func openRequest() throws(ClientError) -> Exchange? {
        let (open, isStreaming) = state.withLock { ($0.open, $0.stream?.isUnderWay ?? false) }
        guard !isStreaming else { throw ClientError(.requestOpen, "a stream of this client has not been finished") }
        return open
    }

    func setOpenRequest(_ exchange: Exchange?) { state.withLock { $0.open = exchange } }

    func setStream(_ stream: DuplexStream) { state.withLock { $0.stream = stream } }

    /// Forgets the open request, or stream, which has been ended.
    ///
    /// - Returns: the open request.
    @discardableResult
    func forgetOpenRequest() -> Exchange? {
        state.withLock { state in
            defer { (state.open, state.stream) = (nil, nil) }
            return state.open
        }
    }

    func nextID() -> TransferID {
        state.withLock { state in
            state.serial += 1
            return TransferID(connection: connection.id, serial: state.serial)
        }
    }
}

/// What all requests of a client have in common, in one object: handing it on costs one reference.
final class ClientSettings: Sendable {
    let configuration: Client.Configuration
    private let url: String?
    private let origin: CurlURL.Origin?

    init(_ configuration: Client.Configuration, url: String?) {
        self.configuration = configuration
        self.url = url
        origin = url.flatMap { CurlURL.origin(of: $0) }
    }

    /// Whether the header fields and the credentials of the configuration are for this URL's origin: that of the
    /// client's URL, and any origin where the client has none.
    func isForOrigin(of url: String) -> Bool { self.url == nil || self.url == url || origin == CurlURL.origin(of: url) }
}
