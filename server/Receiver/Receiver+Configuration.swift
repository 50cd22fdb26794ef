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
        /// Who may write. By default anyone may.
        public var access = Access()
        /// If set, the server speaks only HTTPS: HTTP/2, or HTTP/1.1 to clients that do not offer HTTP/2. By default it
        /// speaks HTTP/1.1 without TLS.
        public var tls: TLSFiles?
        /// How long running requests may continue after a signal to stop; 30 s by default. See
        /// ``Receiver/run(onListening:)``.
        public var shutdownTimeout = Duration.seconds(30)

        public init() {}
    }

    /// Limits of everything in a form that is not content, which is held in memory for the report or while it is parsed. A
    /// form that exceeds one is answered with 413.
    public struct FormLimits: Hashable, Sendable {
        /// The maximum number of parts, files and fields; 10,000 by default. Each file keeps a descriptor open until the
        /// request ends.
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

    /// When a connection without activity is closed.
    public struct ConnectionLimits: Hashable, Sendable {
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

    /// The files of a server's certificate and key, in PEM. They are read once, by ``Receiver/init(storage:configuration:logger:)``.
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
