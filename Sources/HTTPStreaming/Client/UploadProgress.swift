/// How much of a request's body has been read and sent. Starts again from 0 when the body is sent again (after a
/// redirect, for another attempt, or because a reused connection was dead).
///
/// A progress closure runs in a task of its own, on the threads of Swift's concurrency library (or of the task executor
/// that the calling task prefers): one call at a time, never on the main actor or on the thread that transfers the
/// bytes. A slow closure misses reports, but always receives the last one, before the call returns.
public struct UploadProgress: Hashable, Sendable {
    /// The progress of one part of the body.
    public struct Part: Hashable, Sendable {
        /// The index of the part in the request, from 0.
        public let index: Int
        /// The name of the form field.
        public let name: String
        /// The filename that is sent to the server; nil if there is none.
        public let filename: String?
        /// The number of bytes of content read from the source.
        public let bytesRead: Int64
        /// The number of bytes of content; nil if it is unknown.
        public let totalBytes: Int64?
    }

    /// Why and when a request is sent again, or an upload is continued.
    public struct Retry: Hashable, Sendable {
        /// The number of the attempt that follows, 2 or more. With ``Client/Resumption`` it begins again whenever the
        /// server has received more bytes.
        public let attempt: Int
        /// The maximum number of attempts: ``Client/Retry/attempts``.
        public let maximumAttempts: Int
        /// The time until that attempt.
        public let delay: Duration
        /// What happened to the last attempt, in one line of text without credentials.
        public let cause: String
    }

    /// A redirect that the client has followed (RFC 9110 §15.4).
    public struct Redirect: Hashable, Sendable {
        /// The status of the response, such as 307.
        public let status: Int
        /// The absolute URL to which the request is sent next, without user and password. Its query may be a secret, such as the
        /// signature of an object store.
        public let url: String
    }

    /// The number of bytes of the body read, including the framing of a form, before a content coding.
    public let bytesRead: Int64
    /// The number of bytes of the body, after a content coding, that were passed to the kernel.
    public let bytesSent: Int64
    /// How many of ``bytesSent`` the kernel of the server or proxy has acknowledged; the server's program may have read
    /// fewer. Nil on systems other than Linux and with Unix sockets, where this is unknown.
    ///
    /// Exact for HTTP/1 without TLS. With TLS it is too low by the overhead of encryption for bytes in transit; with
    /// HTTP/2 it may be too high by the few frames that libcurl buffers.
    public let bytesAcknowledged: Int64?
    /// The value of ``bytesRead`` at the end; nil while parts may still be added, or if the length of one is unknown.
    public let totalBytes: Int64?
    /// The part that is being read, or the last one that was; nil before the first. With a content coding, reading is
    /// some blocks of 256 KiB ahead of sending.
    public let part: Part?
    /// Set in one report before each delay of a retry; nil in all others. A slow closure may miss it.
    public internal(set) var retry: Retry?
    /// The redirects that the request has followed so far, in order. Reported when a redirect is followed, and in all later
    /// reports of the request, so that a slow closure misses none. See ``Client/Configuration/maximumRedirects``.
    public internal(set) var redirects: [Redirect] = []

    /// ``bytesRead`` divided by ``totalBytes``, from 0 to 1; 1 for an empty body. Nil if ``totalBytes`` is nil.
    ///
    /// Counts bytes read, not sent: the value is 1 as soon as the last byte has been read.
    public var fractionCompleted: Double? {
        totalBytes.map { $0 == 0 ? 1 : Double(bytesRead) / Double($0) }
    }
}

extension UploadProgress {
    /// The progress before anything has been read.
    init(redirects: [Redirect] = []) {
        self.init(
            bytesRead: 0, bytesSent: 0, bytesAcknowledged: nil, totalBytes: nil, part: nil, redirects: redirects)
    }
}
