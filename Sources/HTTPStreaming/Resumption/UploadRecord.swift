internal import Synchronization

/// What is known of an upload on the server. Written by the agent while a request of the upload is sent, and read by the
/// exchange.
final class UploadRecord: Sendable {
    struct State: Equatable {
        /// The URL of the upload, of the same origin as the request; nil if the server has named none.
        var location: String?
        /// The dialect with which the upload was created.
        var dialect = UploadDialect.latest
        /// The server has said that it keeps the body up to this offset.
        var acknowledged: Int64 = 0
        /// The body up to this offset has been passed to libcurl; nil if another process has sent it.
        var sentTo: Int64? = 0
        /// Whether the end of the body has been passed to libcurl, or may have been.
        var isWholeSent = false
    }

    private let state: Mutex<State>
    private let onChange: @Sendable (State) -> Void

    /// - Parameter onChange: called on the agent's thread when the location or the acknowledged offset has changed.
    init(_ onChange: @escaping @Sendable (State) -> Void = { _ in }) {
        state = Mutex(State())
        self.onChange = onChange
    }

    /// An upload that another process has begun.
    init(continuing location: String, _ dialect: UploadDialect, _ onChange: @escaping @Sendable (State) -> Void) {
        state = Mutex(State(location: location, dialect: dialect, sentTo: nil, isWholeSent: true))
        self.onChange = onChange
    }

    var value: State { state.withLock { $0 } }

    /// Forgets the upload: the request begins again.
    func reset() { state.withLock { $0 = State() } }

    /// Returns the location and forgets it.
    func takeLocation() -> String? { state.withLock { $0.location.take() } }

    func moved(to location: String) { state.withLock { $0.location = location } }

    /// The body up to this offset has been passed to libcurl.
    func passed(to offset: Int64, isEnd: Bool) {
        state.withLock { state in
            state.sentTo = max(state.sentTo ?? 0, offset)
            state.isWholeSent = state.isWholeSent || isEnd
        }
    }

    /// The server has said where the upload is. The first location counts, and only one of the same origin as the request: the
    /// client's credentials are sent there.
    func named(_ reference: String, relativeTo url: String, _ dialect: UploadDialect) {
        guard let location = CurlURL.resolve(reference, against: url),
            CurlURL.origin(of: location) == CurlURL.origin(of: url)
        else { return }
        change { state in
            guard state.location == nil else { return false }
            (state.location, state.dialect) = (location, dialect)
            return true
        }
    }

    /// The server has said that it keeps the body up to this offset. Ignored if these bytes have not been sent.
    func acknowledged(_ offset: Int64) {
        change { state in
            guard offset > state.acknowledged, offset <= state.sentTo ?? 0 else { return false }
            state.acknowledged = offset
            return true
        }
    }

    private func change(_ body: (inout State) -> Bool) {
        let changed = state.withLock { body(&$0) ? $0 : nil }
        if let changed { onChange(changed) }
    }
}

/// Tells an ``UploadRecord`` what happens while one request of the upload is sent.
struct UploadObserver: Sendable {
    let record: UploadRecord
    let dialect: UploadDialect
    /// The URL of the request.
    let url: String
    /// Whether the request creates the upload.
    let isCreation: Bool
    /// How often the upload has been resumed, and how many bytes have been sent more than once for this.
    var resumptions = 0
    var bytesSentAgain: Int64 = 0

    /// An interim response was received.
    func received(interim status: Int, _ fields: HeaderFields) {
        guard status == 104 else { return }
        if isCreation, let reference = fields.values(of: "Location").first {
            record.named(reference, relativeTo: url, dialect)
        }
        if let offset = dialect.offset(in: fields) { record.acknowledged(offset) }
    }
}
