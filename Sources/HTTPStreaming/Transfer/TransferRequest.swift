/// Identifies a request. Messages about a request other than the client's current one are ignored.
struct TransferID: Hashable, Sendable {
    /// The client's connection; see ``ConnectionHandle``.
    let connection: UInt64
    let serial: UInt64
}

/// The request of a transfer, with everything that applies to it.
struct TransferRequest: Sendable {
    let settings: ClientSettings
    let method: Client.Method
    let url: String
    /// The header fields of the configuration and of the request that may be sent to `url`.
    let headerFields: HeaderFields
    let authentication: Client.Authentication
    let clientCertificate: Client.TLS.ClientCertificate?
    /// The media type and the content coding of the body; nil for none.
    let contentType: String?
    let contentEncoding: String?
    /// The body; nil if there is none.
    let source: (any Source)?
    /// Whether the response is read while the request is written.
    let isDuplex: Bool
    /// The length of the body, if it was found by reading it once before.
    let countedLength: Int64?
    /// The offset of the first byte of the source that is sent.
    var start: Int64 = 0
    /// Records the state of the upload on the server; nil if it cannot be resumed.
    var upload: UploadObserver?
    /// Whether an open connection must not be used: the server may not read what it has received on it.
    var needsNewConnection = false
    /// The digest that is sent behind the body; nil for none.
    let trailer: ContentDigest?
    let stallTimeout: Duration?
    let requestTimeout: Duration?
    let counter: ProgressCounter<UploadProgress>
    let control: UploadControl
    /// The priority of the task that sends the request.
    let priority: TaskPriority

    var configuration: Client.Configuration { settings.configuration }
    var hasBody: Bool { source != nil }

    /// Whether the connection does not use TLS.
    var isPlain: Bool { url.prefix(5).lowercased() == "http:" }

    /// Whether the client asks for content codings, and decodes them.
    var asksForCodings: Bool { headerFields["Accept-Encoding"] == nil && headerFields["Range"] == nil }

    /// Whether the request may have `Expect: 100-continue`.
    func mayExpect(isLong: Bool) -> Bool {
        switch configuration.expect.kind {
        case .automatic: hasBody && isLong
        case .always: hasBody
        case .never: false
        }
    }
}
