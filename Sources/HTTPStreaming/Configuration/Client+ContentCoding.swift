internal import ContentCoding

extension Client {
    /// The content coding of a request's body (RFC 9110 §8.4). Many servers accept none in requests; for those see
    /// ``Part/gzipped(level:)``.
    ///
    /// The body is encoded while it is sent, in blocks of 256 KiB, by tasks with the priority of the call that starts
    /// the request, on the threads of Swift's concurrency library. Its length is unknown, so it is sent chunked.
    public struct ContentCoding: Hashable, Sendable {
        enum Kind: Hashable {
            case identity
            case coded(Coding, level: Int, workers: Int?, storesIncompressible: Bool)
        }

        let kind: Kind

        /// Sends the body unchanged.
        public static let identity = ContentCoding(kind: .identity)

        /// The gzip format (RFC 1952), as a single member, which every gzip decoder can read.
        ///
        /// - Parameters:
        ///   - level: from 0 (stored) to 9 (smallest); 6 by default.
        ///   - workers: how many blocks are encoded at the same time, 1 to 64; the number of processors by default, at
        ///     most 8. Each takes 1.3 MiB of memory. The output does not depend on it.
        public static func gzip(level: Int = 6, workers: Int? = nil) -> ContentCoding {
            ContentCoding(kind: .coded(.gzip, level: level, workers: workers, storesIncompressible: false))
        }

        /// The zlib format (RFC 1950). One block is encoded at a time.
        ///
        /// - Parameter level: from 0 (stored) to 9 (smallest); 6 by default.
        public static func deflate(level: Int = 6) -> ContentCoding {
            ContentCoding(kind: .coded(.deflate, level: level, workers: 1, storesIncompressible: false))
        }

        /// As ``gzip(level:workers:)``, but data that would hardly become smaller is stored uncompressed within the
        /// gzip stream. The client recognizes it by the first bytes of each source and by samples of each block.
        public static let automatic = ContentCoding(
            kind: .coded(.gzip, level: 6, workers: nil, storesIncompressible: true)
        )

        /// As Content-Encoding names it; nil if there is nothing to encode.
        var token: String? { coding?.token }

        /// Nil for ``identity``.
        var coding: Coding? {
            switch kind {
            case .identity: nil
            case .coded(let coding, _, _, _): coding
            }
        }

        /// The number of workers; nil for the default.
        var workers: Int? {
            switch kind {
            case .identity: nil
            case .coded(_, _, let workers, _): workers
            }
        }

        func validate() throws(ClientError) {
            guard case .coded(_, let level, let workers, _) = kind else { return }
            try ClientError.require((0...9).contains(level), "the level of the content coding is not between 0 and 9")
            try ClientError.require(
                (1...64).contains(workers ?? 1), "the number of workers of the content coding is not between 1 and 64")
        }
    }
}
