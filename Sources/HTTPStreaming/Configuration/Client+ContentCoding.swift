internal import ContentCoding

extension Client {
    /// What is done to the body of a request on its way (RFC 9110 §8.4). The server must know the
    /// coding: many do not take any in requests; for those see ``Part/gzipped(level:)``.
    ///
    /// The body is encoded while it is sent, in blocks of 256 KiB, by tasks on the threads of Swift's
    /// concurrency library, with the priority of the call that begins the request; no thread is
    /// started for it. Its length being unknown, it is sent chunked.
    public struct ContentCoding: Hashable, Sendable {
        enum Kind: Hashable {
            case identity
            case coded(Coding, level: Int, workers: Int?, storesIncompressible: Bool)
        }

        let kind: Kind

        /// None: the body is sent as it is.
        public static let identity = ContentCoding(kind: .identity)

        /// A single gzip member (RFC 1952), as every server that knows the coding can read it.
        ///
        /// - Parameters:
        ///   - level: 0, stored, to 9, smallest; 6 unless given.
        ///   - workers: how many blocks may be encoded at the same time, 1 to 64, each for 1.3 MiB
        ///     of memory; as many as there are processors unless given, 8 at most. The result is
        ///     the same.
        public static func gzip(level: Int = 6, workers: Int? = nil) -> ContentCoding {
            ContentCoding(kind: .coded(.gzip, level: level, workers: workers, storesIncompressible: false))
        }

        /// The zlib format (RFC 1950), for servers that want it. One block is encoded at a time.
        ///
        /// - Parameter level: 0, stored, to 9, smallest; 6 unless given.
        public static func deflate(level: Int = 6) -> ContentCoding {
            ContentCoding(kind: .coded(.deflate, level: level, workers: 1, storesIncompressible: false))
        }

        /// As ``gzip(level:workers:)``, but what is compressed already, or would hardly become
        /// smaller, is left as it is within the same stream: known by the first bytes of each
        /// source, and by samples of each block.
        public static let automatic = ContentCoding(
            kind: .coded(.gzip, level: 6, workers: nil, storesIncompressible: true)
        )

        /// Nil if there is nothing to encode.
        var coding: Coding? {
            switch kind {
            case .identity: nil
            case .coded(let coding, _, _, _): coding
            }
        }

        /// How many there are to be; nil for as many as are good.
        var workers: Int? {
            switch kind {
            case .identity: nil
            case .coded(_, _, let workers, _): workers
            }
        }

        func validate() throws(ClientError) {
            guard case .coded(_, let level, let workers, _) = kind else { return }
            guard (0...9).contains(level) else {
                throw ClientError(.invalidConfiguration, "the level of the content coding is not between 0 and 9")
            }
            guard (1...64).contains(workers ?? 1) else {
                throw ClientError(.invalidConfiguration, "the content coding has not 1 to 64 workers")
            }
        }
    }
}
