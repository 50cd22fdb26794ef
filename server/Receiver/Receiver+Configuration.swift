public import ContentCoding

extension Receiver {
    /// The configuration of a server. It cannot change while the server runs.
    public struct Configuration: Hashable, Sendable {
        /// The host name or address to listen on; `127.0.0.1` by default. On the loopback interface, requests for a host
        /// name that is not a name of this machine are answered with 421: see ``Access/origins``.
        public var host = "127.0.0.1"
        /// The port to listen on; 3000 by default. With 0 the system chooses a free one.
        public var port = 3000
        /// The most bytes that one read from a connection takes; 1 MiB by default. Reads start small and grow while a
        /// connection fills them with large pieces of a body. For other input and for HTTP/2 the maximum is 16 KiB. A
        /// connection keeps at most a few reads in memory.
        public var maximumReadSize = 1024 * 1024
        /// The timeouts of connections.
        public var connections = ConnectionLimits()
        /// Limits of the decoded size of one request; a larger one is answered with 413. By default the size is unlimited,
        /// and the ratio of decoded to coded bytes is limited to 250 once a request has more than 16 GiB of decoded bytes:
        /// 10 GiB of zeros, which compress best, may be the image of a disk.
        public var decoding = DecodingLimits(ratio: 250, ratioAllowance: 16 << 30)
        /// The maximum size of a request's body as it is sent, in bytes. A larger one is answered with 413, before the body
        /// is read if its length is known. No limit by default.
        public var maximumBodySize: Int?
        /// Limits of a form; a larger one is answered with 413.
        public var form = FormLimits()
        /// Whether the `PUT` of a file replaces the file that its URL names, as RFC 9110 §9.3.4 requires, so that a client may
        /// send it again if it has not received the response; true by default. Otherwise the new file gets a number.
        public var replacesFiles = true
        /// Who may write. By default anyone may.
        public var access = Access()
        /// If set, the server speaks only HTTPS: HTTP/2, or HTTP/1.1 to clients that do not offer HTTP/2. By default it
        /// speaks HTTP/1.1 without TLS.
        public var tls: TLSFiles?
        /// How long running requests may continue after a signal to stop; 30 s by default. See
        /// ``Receiver/run(onListening:)``.
        public var shutdownTimeout = Duration.seconds(30)

        /// Uploads that go on after they have been cut off. By default they are kept for a day.
        public var resumption = ResumptionLimits()
        /// The path below which the server speaks tus 1.0, with a slash at both ends; `/tus/` by default, nil for nowhere.
        public var tusPath: String? = "/tus/"

        public init() {}
    }

    /// How many uploads are kept that have not ended, and for how long. Only those count whose clients can go on with them
    /// (draft-ietf-httpbis-resumable-upload, tus 1.0); what others have sent is removed when they are cut off.
    public struct ResumptionLimits: Hashable, Sendable {
        /// The maximum number of unfinished uploads; 1,000 by default. Further ones get 507. With 0 none is kept, and clients
        /// send everything again after a cut.
        public var count = 1000
        /// The maximum number of bytes of all unfinished uploads; no limit by default. Beyond it they get 507.
        public var bytes: Int?
        /// How long an upload is kept that does not go on; 24 hours by default.
        public var age = Duration.seconds(24 * 60 * 60)

        public init() {}
    }

    /// Limits of everything in a form that is not content, which is held in memory for the report or while it is parsed. A
    /// form that exceeds one is answered with 413.
    public struct FormLimits: Hashable, Sendable {
        /// The maximum number of parts, files and fields; 10,000 by default.
        public var parts = 10_000
        /// The maximum number of parts that are fields; 10,000 by default.
        public var fields = 10_000
        /// The maximum length of the names, filenames and content types of all parts, in bytes; 4 MiB by default.
        public var nameBytes = 4 * 1024 * 1024
        /// The maximum length of one part's header, in bytes, with line ends; 16 KiB by default.
        public var partHeaderBytes = 16 * 1024
        /// The maximum number of lines in one part's header; 64 by default.
        public var partHeaderLines = 64

        public init() {}
    }

    /// How many connections there are, and when one without activity is closed.
    public struct ConnectionLimits: Hashable, Sendable {
        /// How many connections may be open; more wait until one is closed. By default (nil) about half as many as the
        /// process may have descriptors: the others are for files.
        public var maximum: Int?
        /// The time between two requests, including the head of the next one; 60 s by default, nil for no limit.
        public var idle: Duration? = .seconds(60)
        /// How long a client may send nothing of a request, or read nothing of a response; 300 s by default, nil for no
        /// limit. If a response is still possible, it is 408.
        public var stall: Duration? = .seconds(300)
        /// How much of a request is read after an early response.
        public var lingering = LingeringLimits()

        public init() {}
    }

    /// How much of a request is read and discarded after it was answered early.
    ///
    /// Sufficient for a client that sends a body of moderate size before it reads. A client that sends more than this
    /// without reading loses only the response.
    public struct LingeringLimits: Hashable, Sendable {
        /// Bytes to read and discard; 64 MiB by default.
        public var bytes = 64 * 1024 * 1024
        /// 10 s by default.
        public var duration = Duration.seconds(10)

        public init() {}
    }

    /// The files of a server's certificate and key, in PEM. They are read once, by
    /// ``Receiver/init(storage:configuration:logger:)``.
    public struct TLSFiles: Hashable, Sendable {
        /// The path of the certificate, followed by its issuers.
        public var certificate: String
        /// The path of the private key, which has no password.
        public var key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }
}
