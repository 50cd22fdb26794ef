internal import Platform

/// Why a request could not be sent or its response not be read.
///
/// A status of 4xx or 5xx is a ``Response``, not an error. ``description`` is one line for people;
/// it holds no credentials and no field values.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    /// What went wrong. More codes may be added; compare, do not enumerate.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case invalidURL, invalidConfiguration, invalidPart, nothingOpen, requestOpen
            case sourceUnreadable, sourceChanged, cannotSendAgain, destinationUnwritable
            case hostNotFound, connectionFailed, connectionLost, timedOut, tls
            case invalidResponse, tooManyRedirects, invalidContent, responseTooLarge, responseDiscarded, alreadyReading,
                cancelled,
                transport
        }

        private let name: Name

        public var description: String { name.rawValue }

        /// The URL cannot be parsed, has no host, or is neither http nor https.
        public static let invalidURL = Code(name: .invalidURL)
        /// A value of ``Client/Configuration`` or a method cannot be sent as it is, or a HEAD request
        /// was given parts.
        public static let invalidConfiguration = Code(name: .invalidConfiguration)
        /// A part's content type cannot stand in a header line, its gzip level is none, its length is less
        /// than zero, or one call was given it twice although its source can be read once only.
        public static let invalidPart = Code(name: .invalidPart)
        /// ``Client/close(progress:)`` without a ``Client/sendUnclosed(_:progress:)`` before it.
        public static let nothingOpen = Code(name: .nothingOpen)
        /// A request of the client is open: a ``DuplexStream`` that has not been finished or has no response yet, or
        /// one of ``Client/sendUnclosed(_:progress:)`` where only its next part or ``Client/close(progress:)`` may follow.
        public static let requestOpen = Code(name: .requestOpen)
        /// A file is missing, may not be read, or is no regular file; or another source failed. Where it
        /// is a system call that failed, `underlying` is a ``SystemError``; where it is a sequence, what
        /// it threw.
        public static let sourceUnreadable = Code(name: .sourceUnreadable)
        /// A file was written to, shortened or replaced between the call and its last byte; or another
        /// source has not the length that it was said to have.
        public static let sourceChanged = Code(name: .sourceChanged)
        /// The body is to be sent once more, but what has been sent of it can no longer be read: the
        /// server had closed a kept connection, or a part is given a second time whose source can be
        /// read once only.
        public static let cannotSendAgain = Code(name: .cannotSendAgain)
        /// A file cannot be written where ``Response/save(to:)`` was to: the folder is missing or may
        /// not be written to, the disk is full, or something else has the name. `underlying` is a
        /// ``SystemError``.
        public static let destinationUnwritable = Code(name: .destinationUnwritable)
        /// The name of the host, or of a proxy, has no address.
        public static let hostNotFound = Code(name: .hostNotFound)
        /// Nothing accepted the connection.
        public static let connectionFailed = Code(name: .connectionFailed)
        /// The connection ended before the request was sent or the response complete.
        public static let connectionLost = Code(name: .connectionLost)
        /// A time limit of ``Client/Configuration`` was exceeded; ``ClientError/message`` says which,
        /// and what was waited for.
        public static let timedOut = Code(name: .timedOut)
        /// TLS could not be negotiated, or the peer not be verified.
        public static let tls = Code(name: .tls)
        /// What came is not HTTP.
        public static let invalidResponse = Code(name: .invalidResponse)
        /// The server has redirected more often than ``Client/Configuration/maximumRedirects`` allows.
        public static let tooManyRedirects = Code(name: .tooManyRedirects)
        /// The content of the response is not what its Content-Encoding says, or is cut off within an
        /// HTTP message that is complete. `underlying` is a `CodingError` of `ContentCoding`.
        public static let invalidContent = Code(name: .invalidContent)
        /// The content of the response is longer than the limit given.
        public static let responseTooLarge = Code(name: .responseTooLarge)
        /// The content of the response was not read before the client's next request, and has
        /// been thrown away.
        public static let responseDiscarded = Code(name: .responseDiscarded)
        /// Two tasks read the content of one response at a time.
        public static let alreadyReading = Code(name: .alreadyReading)
        /// The task was cancelled, or the client (``Client/cancel()``). `underlying` is a
        /// `CancellationError`.
        public static let cancelled = Code(name: .cancelled)
        /// Any other failure of libcurl; see ``ClientError/curlCode``.
        public static let transport = Code(name: .transport)

        /// Matches an error by its code:
        ///
        /// ```swift
        /// do {
        ///     _ = try await client.send(.file("big.bin"))
        /// } catch ClientError.Code.timedOut {
        ///     print("too slow")
        /// }
        /// ```
        public static func ~= (code: Code, error: any Error) -> Bool { (error as? ClientError)?.code == code }
    }

    /// What went wrong, for programs.
    public let code: Code
    /// The particulars, in words.
    public internal(set) var message: String
    /// The `CURLcode`, where libcurl reported the failure. <https://curl.se/libcurl/c/libcurl-errors.html>
    public let curlCode: Int32?
    /// What caused it: a ``SystemError``, a `CancellationError`, what a sequence threw.
    public let underlying: (any Error)?
    /// How many bytes of the request's body had been handed to the network.
    public internal(set) var bytesSent: Int64

    init(
        _ code: Code, _ message: String, curlCode: Int32? = nil, underlying: (any Error)? = nil, bytesSent: Int64 = 0
    ) {
        self.code = code
        self.message = message
        self.curlCode = curlCode
        self.underlying = underlying
        self.bytesSent = bytesSent
    }

    public var description: String {
        bytesSent == 0 ? message : "\(message) (\(bytesSent) bytes of the body had been sent)"
    }

    /// The same error with more words.
    func adding(_ words: String) -> ClientError {
        var error = self
        error.message += "; \(words)"
        return error
    }

    /// A source of that path cannot be read.
    static func unreadable(_ path: String, _ error: SystemError) -> ClientError {
        ClientError(.sourceUnreadable, "\(path): \(error)", underlying: error)
    }

    /// A source that can be read once only is to be read again.
    static func notRepeatable(_ name: String) -> ClientError {
        ClientError(.cannotSendAgain, "\(name): the source can be read once only, and has been")
    }

    static var requestOpen: ClientError {
        ClientError(.requestOpen, "a request of this client is open, and has to be finished first")
    }

    static var twoCredentials: ClientError {
        ClientError(.invalidConfiguration, "credentials are given both as authentication and in the URL")
    }

    static func cancelled(bytesSent: Int64 = 0) -> ClientError {
        ClientError(.cancelled, "the request was cancelled", underlying: CancellationError(), bytesSent: bytesSent)
    }
}
