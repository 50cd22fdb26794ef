internal import ContentCoding
public import Platform

extension Client {
    /// The settings for all requests of a client. Checked when the client is made.
    public struct Configuration: Sendable {
        /// Sent with each request, in addition to Content-Type, User-Agent, Accept-Encoding and the fields that
        /// libcurl adds. A field given here replaces one of the same name. Empty by default.
        ///
        /// With a field Accept-Encoding or Range here, the content of responses is not decoded: ranges count coded
        /// bytes (RFC 9110 §14.1.2). See ``Response/body``.
        ///
        /// Names must be tokens; values must not contain CR, LF or NUL (RFC 9110 §5.5). Content-Type, Content-Length,
        /// Content-Encoding, Transfer-Encoding and Expect (see ``expect``) are set by the client and cannot be given.
        /// ``Client/init(_:_:configuration:)`` throws otherwise.
        public var headerFields: HeaderFields = [:]

        /// The size in bytes of the buffer between content and socket, 16 KiB to 2 MiB; 512 KiB by default, less for
        /// a smaller body. A larger buffer needs fewer system calls, but slows down once it no longer fits into the
        /// cache of a processor core.
        /// <https://curl.se/libcurl/c/CURLOPT_UPLOAD_BUFFERSIZE.html>
        public var uploadBufferSize = 512 << 10

        /// The content coding of request bodies; ``Client/ContentCoding/identity`` by default.
        public var contentCoding = ContentCoding.identity

        /// The digest that is sent with each body, for the server to check; nil by default, for none.
        ///
        /// The server answers 400 where it does not match, if it knows such fields. If a server demands a length (411), the
        /// body is read once, and sent with the digest as a header field.
        public var digest: Digest?

        /// How long an open request (``Client/sendUnclosed(_:progress:)``) may wait for its next part before it sends
        /// an empty block of the content coding, so that servers and proxies do not close the connection. At least
        /// 100 ms; nil by default, which sends none. Requires a ``contentCoding``.
        public var heartbeatInterval: Duration?

        /// The maximum number of redirects that one request follows; 10 by default, 0 for none.
        ///
        /// The client follows 307 and 308 with method and body, 301 and 302 unless the method is POST, PUT or PATCH,
        /// and 303 after a GET or HEAD (RFC 9110 §15.4). It returns as the response: all other redirects, which
        /// would turn the request into a GET; redirects from https to http; and redirects after content was read
        /// that can be read only once.
        ///
        /// ``headerFields`` are not sent to another origin (scheme, host and port): they may be credentials.
        public var maximumRedirects = 10

        /// Whether and when a failed request is sent again; by default up to 3 attempts in total, and only one for
        /// POST and PATCH.
        public var retry = Retry()

        /// Whether an interrupted upload continues where it stopped; ``Client/Resumption/never`` by default.
        public var resumption = Resumption.never

        /// A file in which the client notes what another process needs to continue the upload with
        /// ``Client/resume(journal:progress:)-(Path,_)``, if this one ends before: the URL, the location of the upload,
        /// the paths, lengths and times of change of the files, and content in memory up to 64 KiB each. It holds no
        /// credentials. Nil by default. Requires ``resumption``; the client must not send two requests at the same time
        /// with one journal.
        ///
        /// The file is written when the server has named the upload, readable by its owner only, in one step and to the disk;
        /// it replaces an older one. It is removed after a response, unless that refuses the credentials (401, 403, 407) or is
        /// temporary (408, 423, 425, 429, 5xx): then the server may keep the upload. A request whose
        /// content cannot be read by another process is an error (``ClientError/Code/invalidConfiguration``): pipes, streams,
        /// files without a path, and parts that are added later (``Client/sendUnclosed(_:progress:)``). With a journal, a
        /// cancelled request stays on the server.
        public var journal: Path?

        /// The time limit for connecting, including name lookup and TLS handshake; 30 seconds by default.
        public var connectTimeout = Duration.seconds(30)

        /// Abort a request when no byte has moved in either direction for this long; 5 minutes by default, nil for no
        /// limit. Sent bytes count when the server's kernel has acknowledged them, on systems that report
        /// ``UploadProgress/bytesAcknowledged``.
        ///
        /// The time does not run while the client is paused (``Client/pause()``), limited by
        /// ``maximumUploadBytesPerSecond``, or waiting for parts, for their content, or for the reader of the response.
        /// The request is aborted up to an eighth of the limit late. Interim responses (1xx), and the lines of a header,
        /// extend the wait for the final response's head to ten times the limit at most.
        public var stallTimeout: Duration? = .seconds(300)

        /// The time limit from the start of a request, connecting included, to the end of the response's content; nil
        /// by default, for no limit. The time does not run in the cases that ``stallTimeout`` lists. Applies to each
        /// attempt separately; see ``Retry/maximumTime``.
        public var requestTimeout: Duration?

        /// The maximum upload rate in bytes of coded bodies per second; nil by default, for no limit. Can be changed
        /// later with ``Client/maximumUploadBytesPerSecond``.
        public var maximumUploadBytesPerSecond: Int?

        /// The minimum time between two progress reports, at least 1 ms; 100 ms by default.
        public var progressInterval = Duration.milliseconds(100)

        /// Certificates and trust for `https`; the system's certificate authorities by default.
        public var tls = TLS()

        /// The HTTP version to use; ``Client/HTTPVersion/automatic`` by default.
        public var httpVersion = HTTPVersion.automatic

        /// The proxy to use; ``Client/Proxy/environment`` by default.
        public var proxy = Proxy.environment

        /// The path of a Unix socket to connect to; nil by default. Replaces the URL's host and port, which are still
        /// sent in the request, and disables any proxy.
        /// <https://curl.se/libcurl/c/CURLOPT_UNIX_SOCKET_PATH.html>
        public var unixSocket: String?

        /// Credentials for the server; ``Client/Authentication/none`` by default.
        public var authentication = Authentication.none

        /// Whether cookies are stored and sent; ``Client/Cookies/none`` by default.
        public var cookies = Cookies.none

        /// When to send `Expect: 100-continue`; ``Client/Expectation/automatic`` by default.
        public var expect = Expectation.automatic

        /// How long to wait for the answer to `Expect: 100-continue` (see ``expect``) before the body is sent anyway;
        /// 1 second by default. <https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html>
        public var expectTimeout = Duration.seconds(1)

        /// The budget to use; tests replace it, since they run at the same time as others.
        var buffers = BufferBudget.shared

        /// Makes a configuration with all defaults.
        public init() {}

        static let uploadBufferSizes = (16 << 10)...(2 << 20)

        /// The value of Accept-Encoding (RFC 9110 §12.5.3).
        static let acceptedCodings = Coding.allCases.map(\.token).joined(separator: ", ")
    }
}

extension Client.Configuration {
    /// The maximum number of bytes for the upload buffers of all requests of this process together; 64 MiB by
    /// default, at least 64 KiB. Can be set at any time from any thread; running requests keep their buffers.
    ///
    /// Each request with a body occupies, from its start to the end of its response:
    ///
    /// - the upload buffer: up to ``uploadBufferSize``, less with many clients, but at least 64 KiB, or at least
    ///   16 KiB if the body or ``uploadBufferSize`` is smaller;
    /// - with a ``contentCoding``, or parts that are ``Part/gzipped(level:)``: 0.5 MiB, and 1.3 MiB for each worker.
    ///   With many clients there are fewer workers, but at least one.
    ///
    /// A quarter of the budget is divided among all existing clients; the rest is for new ones. A request that does
    /// not get enough memory suspends until others have ended, in the order of the calls; cancelling its task ends
    /// the wait. A request that already has a buffer never waits, except an open one
    /// (``Client/sendUnclosed(_:progress:)``) that is given its first gzipped part.
    ///
    /// An open request keeps its buffer while it is idle. If the budget is full of open requests (1,024 with 64 MiB,
    /// 33 with a content coding), later requests wait until one of them is closed: set a larger budget then.
    ///
    /// Received content that has not been read is not counted, but limited by the budget: 256 KiB for each response,
    /// less with many clients, 32 KiB with any number.
    public static var bufferBudget: Int {
        get { BufferBudget.shared.limit }
        set { BufferBudget.shared.limit = newValue }
    }

    /// The largest number of bytes occupied so far; for tests.
    package static var bufferPeak: Int { BufferBudget.shared.peak }
}

extension Duration {
    /// Milliseconds for a time limit of libcurl, at least 1, since 0 means no limit; at most 2^31 - 1, about 3 weeks.
    var milliseconds: Int { max(1, Int(min(self / .milliseconds(1), Double(Int32.max)))) }
}
