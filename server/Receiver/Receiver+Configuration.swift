public import ContentCoding

extension Receiver {
    /// What a server can be told when it starts.
    public struct Configuration: Hashable, Sendable {
        /// The host name or address to listen on; `127.0.0.1` unless set. On the loopback interface requests under a
        /// name that is no name of this machine's are answered with 421: see ``Access/origins``.
        public var host = "127.0.0.1"
        /// 3000 unless set; 0 takes a free one.
        public var port = 3000
        /// The most bytes that one read from a connection takes; 1 MiB unless set. Reads begin
        /// small, and grow while a connection fills them with large pieces of a body; 16 KiB is the most
        /// otherwise, and of HTTP/2. A connection keeps a few of them in memory at most.
        public var largestRead = 1024 * 1024
        public var connections = ConnectionLimits()
        /// What the decoded bytes of one request may come to; more is answered with 413. Unless
        /// set, any number of them, and 250 for each byte of data once they are more than 16 GiB:
        /// 10 GiB of zeros, which is what compresses best, may well be a disk's image.
        public var decoding: DecodingLimits
        /// The most bytes of a request's body, as they come; more is answered with 413, before anything of
        /// it is read where that can be known. No limit unless set.
        public var maximumBodySize: Int?
        /// Who may write. Anyone unless set.
        public var access = Access()
        /// With it, HTTPS alone is spoken: HTTP/2, or HTTP/1.1 to clients that do not offer it. Without, HTTP/1.1.
        public var tls: TLSFiles?
        /// How long requests that are running go on once the server is to stop; 30 s unless set. Then they are
        /// cut off, and what they had stored is removed.
        public var gracePeriod = Duration.seconds(30)

        public init() {
            decoding = DecodingLimits()
            decoding.ratio = 250
            decoding.ratioAllowance = 16 << 30
        }
    }

    /// How long a connection is kept that does nothing.
    public struct ConnectionLimits: Hashable, Sendable {
        /// Between two requests, and for the head of one; 60 s unless set, no limit where nil.
        public var idle: Duration? = .seconds(60)
        /// Within a request that is waited for, and within a response that is not taken; 300 s unless set, no limit
        /// where nil. 408 is the answer where it still can be one.
        public var stall: Duration? = .seconds(300)
        public var lingering = LingeringLimits()

        public init() {}
    }

    /// How long a client is listened to after its request has been answered early.
    ///
    /// Long enough for a client that sends a moderate body before it reads: one that sends more
    /// than this without looking loses the answer, not more.
    public struct LingeringLimits: Hashable, Sendable {
        /// Bytes that are read and discarded; 64 MiB unless set.
        public var bytes = 64 * 1024 * 1024
        /// 10 s unless set.
        public var duration = Duration.seconds(10)

        public init() {}
    }

    /// Where a server's certificate is. Both files are in PEM and are read once, when the server starts.
    public struct TLSFiles: Hashable, Sendable {
        /// The path of the certificate, followed by those that it was issued by.
        public var certificate: String
        /// The path of its private key, without a password.
        public var key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }
}
