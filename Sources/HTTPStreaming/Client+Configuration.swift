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
        /// Transfer-Encoding) is the client's own: otherwise ``Client/init(_:_:configuration:)`` throws.
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
        public var keepAliveInterval: Duration?

        /// How many redirects of one request are followed; 10 unless set, 0 for none.
        ///
        /// Followed are 307 and 308, with the method and the body; 301 and 302, for requests that have no
        /// body by their method; and 303 for GET and HEAD (RFC 9110 §15.4). Not followed, and returned as the
        /// response: those of 301, 302 and 303 after which the request would have to become a GET; a redirect
        /// from https to http; and one after a source has been read that can be read once only.
        ///
        /// To another origin (scheme, host and port) none of ``headerFields`` is sent: they may be
        /// credentials.
        public var maximumRedirects = 10

        /// Whether and when a request is sent again after a failure; up to 3 times in all unless set, but
        /// never a POST or PATCH.
        public var retry = Retry()

        /// How long connecting may take, name and TLS included; 30 seconds unless set.
        public var connectTimeout = Duration.seconds(30)

        public init() {}

        static let uploadBufferSizes = (16 << 10)...(2 << 20)

        /// What libcurl is told; beyond three weeks there is no difference.
        var connectMilliseconds: Int {
            let milliseconds = connectTimeout / .milliseconds(1)
            return max(1, Int(min(milliseconds, Double(Int32.max))))
        }

        /// Whether it is the client who asks for content codings, and undoes them.
        var asksForCodings: Bool { headerFields["Accept-Encoding"] == nil && headerFields["Range"] == nil }

        /// What it asks for (RFC 9110 §12.5.3).
        static let acceptedCodings = Coding.allCases.map(\.token).joined(separator: ", ")

        /// Whether a request with a body has `Expect: 100-continue`: by the caller's wish, or, unless
        /// there is one, libcurl's.
        func mayExpect(isLong: Bool) -> Bool {
            headerFields["Expect"].map { $0.lowercased() == "100-continue" } ?? isLong
        }
    }
}
