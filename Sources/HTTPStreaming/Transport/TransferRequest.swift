/// All that a transfer needs to know of its request at its start.
struct TransferRequest: Sendable {
    let settings: ClientSettings
    let url: String
    /// Whether what the configuration has for the server alone may go there: its header fields, its
    /// authentication and its client certificate. Not where a redirect has led to another origin.
    let maySendCredentials: Bool
    /// The media type of the body; nil if there is none.
    let contentType: String?
    let parts: [PreparedPart]
    /// What comes behind the last part.
    let messageEnd: [UInt8]
    /// Whether `parts` are all.
    let isFinishing: Bool
    /// Whether the response is read while the request is written.
    let isDuplex: Bool
    /// The length of the body, if it was counted before, or whoever writes it has said so.
    let announcedLength: Int64?
    let counter: ProgressCounter
    let control: UploadControl
    /// Of the call that begins the request, for what is done on its behalf.
    let priority: TaskPriority

    var method: Client.Method { settings.method }
    var configuration: Client.Configuration { settings.configuration }

    var hasBody: Bool { contentType != nil }

    /// Whether nothing but HTTP may be on the connection: no TLS, no HTTP/2.
    var isPlain: Bool { url.prefix(5).lowercased() == "http:" }
    var headerFields: HeaderFields { maySendCredentials ? configuration.headerFields : [:] }

    /// Whether it is the client who asks for content codings, and undoes them.
    var asksForCodings: Bool { headerFields["Accept-Encoding"] == nil && headerFields["Range"] == nil }

    var authentication: Client.Authentication { maySendCredentials ? configuration.authentication : .none }

    var clientCertificate: Client.TLS.ClientCertificate? {
        maySendCredentials ? configuration.tls.clientCertificate : nil
    }

    /// Whether the request may have `Expect: 100-continue`.
    func mayExpect(isLong: Bool) -> Bool {
        switch configuration.expect.kind {
        case .automatic: hasBody && isLong
        case .always: hasBody
        case .never: false
        }
    }
}
