extension Client {
    /// Whether an upload that was interrupted continues where it stopped, on servers that support that
    /// (draft-ietf-httpbis-resumable-upload, interop versions 8, 7 and 6).
    ///
    /// The request announces itself with `Upload-Complete: ?1`, its length where that is known, and
    /// `Upload-Draft-Interop-Version: 8`. If the server answers with an interim response 104, which names the upload, a lost
    /// connection, an exceeded ``Configuration/stallTimeout``, a status of 5xx or a lost response no longer ends the
    /// request: the client asks the server how many bytes it has (`HEAD`), and sends the others (`PATCH`). With other
    /// servers the request is an ordinary one, without an additional round trip, and ``Configuration/retry`` applies.
    ///
    /// The location of the upload must be of the same origin (scheme, host and port) as the URL that the request was sent
    /// to; otherwise it is ignored, because the client's credentials are sent to it.
    ///
    /// A body that can be read again is read from its files or memory. Of a pipe or another content that can be read
    /// only once, the bytes that the server has not confirmed are kept in memory, up to the `window` of
    /// ``automatic(window:creation:retry:)``. If the server has fewer bytes than those before it, the request fails with
    /// ``ClientError/Code/cannotSendAgain``. Applies to all requests with content except those of
    /// ``Client/open(contentType:length:)``. A request that is cancelled, or whose source cannot be read, is deleted
    /// from the server.
    public struct Resumption: Hashable, Sendable {
        enum Kind { case never, draft, tus }

        /// How an upload begins.
        public enum Creation: Hashable, Sendable {
            /// By the request with the content, without an additional round trip. Some proxies, such as nginx, do not pass on
            /// the interim response that names the upload: behind these it is an ordinary request.
            case withContent
            /// By a request without the content, whose final response names the upload: a round trip more, and no proxy in
            /// between matters. For servers that are known to support it: with others the request fails, and an empty
            /// file may be stored.
            case withoutContent
        }

        let kind: Kind
        var creation = Creation.withContent
        /// The maximum number of sent bytes that are kept in memory, of content that can be read only once.
        let window: Int
        /// When to go on after an interruption.
        let retry: Retry

        /// Requests are not announced as resumable. The default.
        public static let never = Resumption(kind: .never, window: 0, retry: .never)

        /// ``automatic(window:creation:retry:)`` with its defaults.
        public static let automatic = automatic()

        /// Continues interrupted uploads, on servers that support that.
        ///
        /// - Parameters:
        ///   - window: the maximum number of bytes that are kept in memory of each content that can be read only once; 8 MiB by
        ///     default, 0 for none. They count for ``Client/Configuration/bufferBudget`` while the request is sent.
        ///   - creation: how an upload begins; ``Creation/withContent`` by default.
        ///   - retry: how often and how soon after an interruption; ``defaultRetry`` by default. The number of
        ///     attempts begins again whenever the server has received more bytes than before. ``Retry/maximumTime`` limits the
        ///     sum of the delays since then. The method does not matter, because no byte is processed twice.
        public static func automatic(
            window: Int = 8 << 20, creation: Creation = .withContent, retry: Retry = defaultRetry
        ) -> Resumption {
            Resumption(kind: .draft, creation: creation, window: window, retry: retry)
        }

        /// ``tus(retry:)`` with its defaults.
        public static let tus = tus()

        /// Uploads with tus 1.0 (<https://tus.io/protocols/resumable-upload>): for servers such as tusd. The request's
        /// URL is the one that creates uploads, its method POST. The client creates the upload, sends the body with
        /// `PATCH`, and asks for the offset after an interruption. The response is that of the last `PATCH`, or of the
        /// creation if the server refuses it. `Upload-Metadata` names the file and its media type, unless the request
        /// has this field.
        ///
        /// The length of the content must be known: not with a ``Configuration/contentCoding``. Requests that are no
        /// POST, or have no content, are sent as they are.
        ///
        /// - Parameter retry: as with ``automatic(window:creation:retry:)``.
        public static func tus(retry: Retry = defaultRetry) -> Resumption {
            Resumption(kind: .tus, creation: .withoutContent, window: 0, retry: retry)
        }

        /// Ten attempts, with delays that double from half a second to 30 seconds: about 3 minutes in total.
        public static let defaultRetry = Retry(attempts: 10)

        var isEnabled: Bool { kind != .never }

        func validate() throws(ClientError) {
            try retry.validate()
            try ClientError.require(window >= 0, "the window of resumption is negative")
        }
    }
}
