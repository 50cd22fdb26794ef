/// One request of one client. A message about an older request than the current one is ignored.
struct TransferID: Hashable, Sendable {
    /// The client's connection; see ``ConnectionHandle``.
    let connection: UInt64
    let serial: UInt64
}

/// Everything that a transfer needs to know of its request at its start.
struct TransferRequest: Sendable {
    let settings: ClientSettings
    let method: Client.Method
    let url: String
    /// Those of the configuration and the request that may be sent to the URL.
    let headerFields: HeaderFields
    let authentication: Client.Authentication
    let clientCertificate: Client.TLS.ClientCertificate?
    /// The media type of the body, unless `headerFields` name it.
    let contentType: String?
    /// The body; nil for a request without one.
    let source: (any Source)?
    /// Whether the response is read while the request is written.
    let isDuplex: Bool
    /// The length of the body where that was found by reading it before.
    let countedLength: Int64?
    let stallTimeout: Duration?
    let requestTimeout: Duration?
    let counter: ProgressCounter
    let control: UploadControl
    /// The priority of the call that begins the request.
    let priority: TaskPriority

    var configuration: Client.Configuration { settings.configuration }
    var hasBody: Bool { source != nil }

    /// Whether the connection carries plain HTTP: no TLS.
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
