/// How far a request's body has got. Where it is sent again (a redirect, another try, a kept connection
/// that turned out dead), it begins again.
public struct UploadProgress: Hashable, Sendable {
    /// One part of the body.
    public struct Part: Hashable, Sendable {
        /// Which part of the request, from 0.
        public let index: Int
        /// The form's field.
        public let name: String
        /// What the server is told; nil where the part has none.
        public let filename: String?
        /// Bytes of the content read from its source.
        public let bytesRead: Int64
        /// What ``bytesRead`` will be at the end; nil if it is not known.
        public let totalBytes: Int64?
    }

    /// Bytes of the body read from its parts, framing included, before a content coding.
    public let bytesRead: Int64
    /// Bytes of the body, after a content coding, that the kernel has taken to send.
    public let bytesSent: Int64
    /// How many of ``bytesSent`` have reached the kernel of the server, or of a proxy before it; nil
    /// where this system's kernel does not tell: other than Linux, and with Unix sockets. Not
    /// what the server's program has read.
    ///
    /// Exact for plain HTTP/1; with TLS it lags by the encryption's own bytes on the way, and with
    /// HTTP/2 it may be ahead by what libcurl still holds, a frame or a few.
    public let bytesAcknowledged: Int64?
    /// What ``bytesRead`` will be at the end; nil while parts may still be added, or if the length
    /// of one is not known.
    public let totalBytes: Int64?
    /// The part that is being read, or the last one that has been; nil before the first. With a
    /// content coding, reading is ahead of sending by some blocks.
    public let part: Part?
}

extension UploadProgress {
    /// Before anything has been done.
    init() {
        self.init(bytesRead: 0, bytesSent: 0, bytesAcknowledged: nil, totalBytes: nil, part: nil)
    }
}
