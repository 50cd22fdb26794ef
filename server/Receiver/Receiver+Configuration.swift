public import ContentCoding

extension Receiver {
    /// What a server can be told when it starts.
    public struct Configuration: Hashable, Sendable {
        /// The host name or address to listen on; `127.0.0.1` unless set.
        public var host = "127.0.0.1"
        /// 3000 unless set; 0 takes a free one.
        public var port = 3000
        /// The most bytes that one read from a connection takes; 1 MiB unless set. Reads begin
        /// small, and grow while a connection fills them. A connection keeps a few of them in
        /// memory at most.
        public var largestRead = 1024 * 1024
        public var lingering = LingeringLimits()
        /// What the decoded bytes of one request may come to; more is answered with 413. Unless
        /// set, any number of them, and 250 for each byte of data once they are more than 16 GiB:
        /// 10 GiB of zeros, which is what compresses best, may well be a disk's image.
        public var decoding: DecodingLimits

        public init() {
            decoding = DecodingLimits()
            decoding.ratio = 250
            decoding.ratioAllowance = 16 << 30
        }
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
}
