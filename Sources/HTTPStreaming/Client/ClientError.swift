internal import Platform

/// Why a request could not be sent, or its response could not be read.
///
/// A status of 4xx or 5xx is a ``Response``, not an error. ``description`` is one line of text without credentials or
/// field values.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    /// The kind of an error. More codes may be added in later versions.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name of the code, such as `timedOut`.
        public let description: String

        /// The URL is malformed, has no host, or is neither http nor https.
        public static let invalidURL = Code(description: "invalidURL")
        /// A method, or a value of ``Client/Configuration``, is invalid, or a HEAD request was given parts.
        public static let invalidConfiguration = Code(description: "invalidConfiguration")
        /// A part has an invalid content type, gzip level or length, or one call uses content twice that can be read
        /// only once.
        public static let invalidPart = Code(description: "invalidPart")
        /// ``Client/close(progress:)`` was called without ``Client/sendUnclosed(_:progress:)`` before it.
        public static let nothingOpen = Code(description: "nothingOpen")
        /// The client has an open request. Either a ``DuplexStream`` has not been finished or has no response yet; or
        /// ``Client/sendUnclosed(_:progress:)`` was called, which only further parts or ``Client/close(progress:)``
        /// may follow.
        public static let requestOpen = Code(description: "requestOpen")
        /// A file is missing or not readable, or another source failed. `underlying` is the
        /// ``SystemError`` of the system call, or the error that the sequence threw.
        public static let sourceUnreadable = Code(description: "sourceUnreadable")
        /// A file was written to, shortened or replaced before its last byte was sent (see ``Content/FileChanges``), or a
        /// source does not have the announced length.
        public static let sourceChanged = Code(description: "sourceChanged")
        /// Content that can be read only once, and has been read, would have to be read again: the server had closed
        /// a reused connection, or the content was given to a second call.
        public static let cannotSendAgain = Code(description: "cannotSendAgain")
        /// ``Response/save(to:durability:progress:)-(Path,_,_)`` or a download cannot write its file: the folder is missing or not
        /// writable, the disk is full, the path is not a regular file, or another download to it is running. `underlying` is a
        /// ``SystemError``.
        public static let destinationUnwritable = Code(description: "destinationUnwritable")
        /// An upload (``Client/Resumption``) or a download was interrupted and cannot be continued: the message says why.
        /// `underlying` is the ``StatusError`` of the server's refusal, or the error that interrupted it, if there was one.
        public static let resumptionFailed = Code(description: "resumptionFailed")
        /// A journal is missing, or is damaged, or was changed; see ``Client/resume(journal:progress:)-(Path,_)``.
        public static let invalidJournal = Code(description: "invalidJournal")
        /// The name of the host or proxy has no address.
        public static let hostNotFound = Code(description: "hostNotFound")
        /// The connection was refused, or the host cannot be reached.
        public static let connectionFailed = Code(description: "connectionFailed")
        /// The connection ended before the request was sent or the response was complete.
        public static let connectionLost = Code(description: "connectionLost")
        /// A time limit of ``Client/Configuration`` was exceeded. ``ClientError/message`` names the limit and what the
        /// client was waiting for.
        public static let timedOut = Code(description: "timedOut")
        /// The TLS handshake failed, or the peer's certificate could not be verified.
        public static let tls = Code(description: "tls")
        /// The server did not send a valid HTTP response.
        public static let invalidResponse = Code(description: "invalidResponse")
        /// The server redirected the request more often than ``Client/Configuration/maximumRedirects``.
        public static let tooManyRedirects = Code(description: "tooManyRedirects")
        /// The content of the response cannot be decoded as its Content-Encoding says, or its coded data ends early.
        /// `underlying` is a `CodingError` of `ContentCoding`.
        public static let invalidContent = Code(description: "invalidContent")
        /// The content of the response is longer than the limit given.
        public static let responseTooLarge = Code(description: "responseTooLarge")
        /// The content of the response was discarded, because it was not read before the client's next request.
        public static let responseDiscarded = Code(description: "responseDiscarded")
        /// Another task is reading the content of the response.
        public static let alreadyReading = Code(description: "alreadyReading")
        /// The task was cancelled, or ``Client/cancel()`` was called. `underlying` is a `CancellationError`.
        public static let cancelled = Code(description: "cancelled")
        /// Any other failure of libcurl; see ``ClientError/curlCode``.
        public static let transport = Code(description: "transport")

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

    /// The kind of the error, for programs.
    public let code: Code
    /// The description for people, without ``bytesSent``.
    public internal(set) var message: String
    /// The `CURLcode`, if libcurl reported the failure. <https://curl.se/libcurl/c/libcurl-errors.html>
    public let curlCode: Int32?
    /// The cause: a ``SystemError``, a `CancellationError`, or the error that a sequence threw.
    public let underlying: (any Error)?
    /// How many bytes of the request's body had been sent.
    public internal(set) var bytesSent: Int64
    /// Whether the server has closed a kept connection instead of processing the request, which may be sent again then
    /// whatever its method is (RFC 9110 §9.2.2).
    var wasNotProcessed = false

    init(
        _ code: Code, _ message: String, curlCode: Int32? = nil, underlying: (any Error)? = nil, bytesSent: Int64 = 0
    ) {
        self.code = code
        self.message = message
        self.curlCode = curlCode
        self.underlying = underlying
        self.bytesSent = bytesSent
    }

    /// The ``message``, with ``bytesSent`` if that is not 0.
    public var description: String {
        bytesSent == 0 ? message : "\(message) (\(bytesSent) bytes of the body had been sent)"
    }

    /// The same error with a longer message.
    func adding(_ words: String) -> ClientError {
        var error = self
        error.message += "; \(words)"
        return error
    }

    /// - Throws: ``Code/invalidConfiguration`` unless the configuration or the call `isValid`.
    static func require(_ isValid: Bool, _ complaint: @autoclosure () -> String) throws(ClientError) {
        guard isValid else { throw ClientError(.invalidConfiguration, complaint()) }
    }

    /// The error for a source that cannot be read.
    static func unreadable(_ path: String, _ error: SystemError) -> ClientError {
        ClientError(.sourceUnreadable, "\(path): \(error)", underlying: error)
    }

    /// The error for a file that cannot be written.
    static func unwritable(_ path: Path, _ error: SystemError) -> ClientError {
        ClientError(.destinationUnwritable, "\(path): \(error)", underlying: error)
    }

    /// Calls `call`, which writes the file with this path.
    static func write<Result: ~Copyable>(
        _ path: Path, _ call: () throws(SystemError) -> Result
    ) throws(ClientError) -> Result {
        do throws(SystemError) {
            return try call()
        } catch {
            throw unwritable(path, error)
        }
    }

    /// Calls `call` as ``SystemError`` does, for the source of that name.
    static func check<Result: SignedInteger>(_ name: String, _ call: () -> Result) throws(ClientError) -> Result {
        do throws(SystemError) {
            return try SystemError.check(call)
        } catch {
            throw unreadable(name, error)
        }
    }

    /// The error for a source that can be read only once and has been read.
    static func notRepeatable(_ name: String) -> ClientError {
        ClientError(.cannotSendAgain, "\(name): the source can be read only once and has already been read")
    }

    static var requestOpen: ClientError {
        ClientError(.requestOpen, "the client has an open request, which must be finished first")
    }

    static var twoCredentials: ClientError {
        ClientError(.invalidConfiguration, "credentials are given both as authentication and in the URL")
    }

    static func cancelled(bytesSent: Int64 = 0) -> ClientError {
        ClientError(.cancelled, "the request was cancelled", underlying: CancellationError(), bytesSent: bytesSent)
    }
}
