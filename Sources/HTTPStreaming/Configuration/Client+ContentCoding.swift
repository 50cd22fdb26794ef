internal import ContentCoding

extension Client {
    /// The content coding of a request's body (RFC 9110 §8.4). Many servers accept none in requests; for those see
    /// ``Part/gzipped(level:)``.
    ///
    /// The body is encoded while it is sent, in blocks of 256 KiB, by tasks with the priority of the call that starts
    /// the request, on the threads of Swift's concurrency library. Its length is unknown, so it is sent chunked.
    public struct ContentCoding: Hashable, Sendable {
        /// Nil if the body is not encoded.
        let settings: CodingSettings?

        /// Sends the body unchanged.
        public static let identity = ContentCoding(settings: nil)

        /// The gzip format (RFC 1952), as a single member, which every gzip decoder can read.
        ///
        /// - Parameters:
        ///   - level: from 0 (stored) to 9 (smallest); 6 by default.
        ///   - workers: how many blocks are encoded at the same time, 1 to 64; the number of processors by default, at
        ///     most 8. Each takes 1.3 MiB of memory. The output does not depend on it.
        public static func gzip(level: Int = 6, workers: Int? = nil) -> ContentCoding {
            ContentCoding(settings: CodingSettings(coding: .gzip, level: level, workers: workers))
        }

        /// The zlib format (RFC 1950). One block is encoded at a time.
        ///
        /// - Parameter level: from 0 (stored) to 9 (smallest); 6 by default.
        public static func deflate(level: Int = 6) -> ContentCoding {
            ContentCoding(settings: CodingSettings(coding: .deflate, level: level, workers: 1))
        }

        /// As ``gzip(level:workers:)``, but data that would hardly become smaller is stored uncompressed within the
        /// gzip stream. The client recognizes it by the first bytes of each source and by samples of each block.
        public static let automatic = ContentCoding(
            settings: CodingSettings(coding: .gzip, level: 6, storesIncompressible: true))

        /// As Content-Encoding names it; nil if there is nothing to encode.
        var token: String? { settings?.coding.token }

        func encoding(_ source: any Source) -> any Source { settings.map { CodedSource(source, $0) } ?? source }

        func validate() throws(ClientError) {
            guard let settings else { return }
            try ClientError.require(
                (0...9).contains(settings.level), "the level of the content coding is not between 0 and 9")
            try ClientError.require(
                (1...64).contains(settings.workers ?? 1),
                "the number of workers of the content coding is not between 1 and 64")
        }
    }
}
