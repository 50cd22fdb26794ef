internal import ContentCoding

extension Client {
    /// What is the same for all requests of a client.
    public struct Configuration: Sendable {
        /// Sent with each request besides Content-Type, User-Agent, Accept-Encoding and what libcurl
        /// adds. A name given here replaces one of those. None unless set.
        ///
        /// With an Accept-Encoding of one's own, or a Range, which counts bytes of the coded form
        /// (RFC 9110 §14.1.2), the content of responses is given as it comes; see
        /// ``Response/body``.
        ///
        /// Names must be tokens, and values free of CR, LF and NUL (RFC 9110 §5.5), and what says
        /// how to read the body (Content-Type, Content-Length, Content-Encoding,
        /// Transfer-Encoding) is the client's own, as is Expect (see ``expect``): otherwise
        /// ``Client/init(_:_:configuration:)`` throws.
        public var headerFields: HeaderFields = [:]

        /// Bytes of the buffer between a file and the socket, 16 KiB to 2 MiB; 512 KiB unless set,
        /// and less where the whole body is less. Larger ones cost fewer calls, until they no
        /// longer fit into a core's cache, through which every byte goes twice.
        /// <https://curl.se/libcurl/c/CURLOPT_UPLOAD_BUFFERSIZE.html>
        public var uploadBufferSize = 512 << 10

        /// What is done to the bodies of requests on their way; ``Client/ContentCoding/identity``
        /// unless set.
        public var contentCoding = ContentCoding.identity

        /// After how long without a part an open request (``Client/sendUnclosed(_:progress:)``)
        /// sends some bytes that mean nothing, so that neither the server nor what is in between
        /// takes it for dead; 100 ms at least, never unless set. Only a content coding has such bytes.
        public var heartbeatInterval: Duration?

        /// How many redirects of one request are followed; 10 unless set, 0 for none.
        ///
        /// Followed are 307 and 308, with the method and the body; 301 and 302 unless the method is POST, PUT
        /// or PATCH; and 303 to a GET or HEAD (RFC 9110 §15.4). Not followed, and returned as the response:
        /// the others, which would have to become a GET; a redirect from https to http; and one after a
        /// source has been read that can be read once only.
        ///
        /// To another origin (scheme, host and port) none of ``headerFields`` is sent: they may be
        /// credentials.
        public var maximumRedirects = 10

        /// Whether and when a request is sent again after a failure; up to 3 times in all unless set, but
        /// never a POST or PATCH.
        public var retry = Retry()

        /// How long connecting may take, name and TLS included; 30 seconds unless set.
        public var connectTimeout = Duration.seconds(30)

        /// How long the network or the server may keep a request waiting without a byte moved in
        /// either direction; 5 minutes unless set, nil for as long as it likes. Bytes sent have moved
        /// when the server's kernel has them, where ``UploadProgress/bytesAcknowledged`` can be known.
        ///
        /// Time does not count in which it is for this side to go on: while the client is
        /// paused (``Client/pause()``), keeps to ``maximumUploadBytesPerSecond``, waits for parts or for the
        /// content of one, or while the response's reader is behind. Found out at most an eighth late.
        public var stallTimeout: Duration? = .seconds(300)

        /// How long a request may take, from its beginning to the end of its response's content;
        /// nil, no limit, unless set. Counts the same time as ``stallTimeout``, and connecting too. Where
        /// a request is sent again, each try has as much; see ``Retry/maximumTime``.
        public var requestTimeout: Duration?

        /// How many bytes of a body, after its content coding, may be sent in a second; nil, no limit,
        /// unless set. What a client begins with: see ``Client/maximumUploadBytesPerSecond``.
        public var maximumUploadBytesPerSecond: Int?

        /// How much time is between two reports of progress, at least; 100 ms unless set.
        public var progressInterval = Duration.milliseconds(100)

        /// Whom to trust, with `https` URLs; the system's authorities unless set.
        public var tls = TLS()

        /// ``Client/HTTPVersion/automatic`` unless set.
        public var httpVersion = HTTPVersion.automatic

        /// ``Client/Proxy/environment`` unless set.
        public var proxy = Proxy.environment

        /// The path of a Unix socket to connect to, instead of the URL's host and port, which are
        /// named to the server all the same. No proxy is used then.
        /// <https://curl.se/libcurl/c/CURLOPT_UNIX_SOCKET_PATH.html>
        public var unixSocket: String?

        /// ``Client/Authentication/none`` unless set.
        public var authentication = Authentication.none

        /// ``Client/Cookies/none`` unless set.
        public var cookies = Cookies.none

        /// ``Client/Expectation/automatic`` unless set.
        public var expect = Expectation.automatic

        /// How long a server that is asked (see ``expect``) may take before the body is sent anyway;
        /// 1 second unless set. <https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html>
        public var expectTimeout = Duration.seconds(1)

        /// What ``bufferBudget`` sets, but for tests, which run beside others.
        var buffers = BufferBudget.shared

        /// With all defaults.
        public init() {}

        static let uploadBufferSizes = (16 << 10)...(2 << 20)

        /// What it asks for (RFC 9110 §12.5.3).
        static let acceptedCodings = Coding.allCases.map(\.token).joined(separator: ", ")
    }
}

extension Client.Configuration {
    /// Bytes that the buffers of all requests under way in this process take together; 64 MiB unless
    /// set, and 64 KiB at least. May be set at any time, by any thread; a request that is under way
    /// keeps what it has.
    ///
    /// It is no property of one configuration, since it limits the sum. Counted are, for each request
    /// with a body, from its beginning to the end of its response:
    ///
    /// - the buffer of what is sent: up to ``uploadBufferSize``, less where there are many clients, and
    ///   64 KiB at least, unless the whole body or ``uploadBufferSize`` is less (16 KiB at least);
    /// - with a ``contentCoding``, or with parts that are ``Part/gzipped(level:)``, 1.3 MiB for each
    ///   worker and 0.5 MiB; with many clients there are fewer workers, but one at least.
    ///
    /// A quarter of the budget is divided among all clients there are, so that what is left is there
    /// for those to come. A request that finds less than it needs waits, suspended, until others have
    /// ended, in the order of the calls; cancelling its task ends the wait. No request waits while it
    /// has a buffer, with one exception: an open one (``Client/sendUnclosed(_:progress:)``) that is
    /// given its first gzipped part.
    ///
    /// An open request keeps its buffer while nothing is sent. Where more are open, and stay so, than
    /// fit (1,024 with 64 MiB, 33 with a content coding), those that come after wait for ever: let the
    /// budget be larger there.
    ///
    /// Not counted, but bounded by it: the content of a response that has come and has not been read,
    /// up to 256 KiB of each, less where there are many clients, and 32 KiB with any number.
    public static var bufferBudget: Int {
        get { BufferBudget.shared.limit }
        set { BufferBudget.shared.limit = newValue }
    }

    /// The most bytes that have been counted at a time: for tests, in whichever process.
    package static var bufferPeak: Int { BufferBudget.shared.peak }
}

extension Duration {
    /// What libcurl is told of a time limit, which is 0 for none; beyond three weeks there is no
    /// difference.
    var milliseconds: Int { max(1, Int(min(self / .milliseconds(1), Double(Int32.max)))) }
}
