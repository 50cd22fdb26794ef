internal import Platform

/// One request of a client over as many tries as it takes: redirects, refusals of its framing, and failures may have
/// it sent again.
struct Exchange: Sendable {
    /// Why and how a request is sent again.
    enum Next: Equatable {
        case redirected(url: String, isSameOrigin: Bool)
        /// The server requires a length: the body is read once to find it.
        case counted
        case delayed(Duration)
    }

    let request: PreparedRequest
    /// Where parts are added; nil for a request that takes none.
    let form: MultipartSource?
    let counter: ProgressCounter
    private let settings: ClientSettings
    private let control: UploadControl
    /// Of the current try.
    private(set) var id: TransferID
    private let began = Instant.now
    private var url: String
    /// Whether all redirects have been within the origin of the request.
    private var isAtOrigin = true
    private var attempt = 1
    private var redirects = 0
    private var countedLength: Int64?
    /// Whether the caller has been told that the server takes no more parts.
    private(set) var isRefused = false

    init(
        id: TransferID, _ request: PreparedRequest, form: MultipartSource? = nil, _ settings: ClientSettings,
        _ progress: ProgressHub, _ control: UploadControl
    ) {
        self.id = id
        self.request = request
        self.form = form
        self.settings = settings
        self.control = control
        url = request.url
        counter = ProgressCounter(progress)
    }

    /// Whether no parts are added any more.
    var isFinished: Bool { form?.isFinished ?? true }

    private var configuration: Client.Configuration { settings.configuration }

    /// For the agent: the request from its beginning.
    ///
    /// - Parameter isDuplex: whether the response is read while the body is written.
    func transferRequest(isDuplex: Bool = false) -> TransferRequest {
        // What the configuration has for a server goes to the origin of the client's URL; where the client has no
        // URL, to that of the request.
        let usesConfiguration = isAtOrigin && settings.isForOrigin(of: url)
        var headerFields = usesConfiguration ? configuration.headerFields : [:]
        var authentication = usesConfiguration ? configuration.authentication : .none
        if isAtOrigin {
            if let own = request.authentication {
                authentication = own
                headerFields["Authorization"] = nil
            }
            if request.headerFields["Authorization"] != nil { authentication = .none }
            headerFields.merge(request.headerFields)
        }
        return TransferRequest(
            settings: settings, method: request.method, url: url, headerFields: headerFields,
            authentication: authentication,
            clientCertificate: usesConfiguration ? configuration.tls.clientCertificate : nil,
            contentType: request.contentType, contentEncoding: request.contentEncoding, source: request.source,
            isDuplex: isDuplex, countedLength: countedLength,
            stallTimeout: request.stallTimeout ?? configuration.stallTimeout,
            requestTimeout: request.requestTimeout ?? configuration.requestTimeout, counter: counter, control: control,
            priority: Task.currentPriority
        )
    }
}

// MARK: Sending again

extension Exchange {
    /// How to go on after an answer; nil if that is the result.
    mutating func next(after answer: TransferResponse) throws(ClientError) -> Next? {
        defer { isRefused = true }
        // The caller no longer expects the parts that were refused to be sent.
        guard !isRefused, request.source?.obstacle == nil else { return nil }
        let method = request.method
        switch answer.status {
        case 307, 308,
            301 where !method.impliesBody, 302 where !method.impliesBody,
            303 where method == .get || method == .head:
            return try redirect(answer)
        case 411, 501:
            guard isFinished, countedLength == nil, answer.isBodyOfUnknownLength, isCountable else { return nil }
            return .counted
        case let status where Client.Retry.covers(status: status) && configuration.retry.covers(method):
            let retryAfter = answer.headerFields["Retry-After"].flatMap { Client.Retry.duration(retryAfter: $0) }
            return delay(retryAfter: retryAfter).map { .delayed($0) }
        default:
            return nil
        }
    }

    private func redirect(_ answer: TransferResponse) throws(ClientError) -> Next? {
        guard configuration.maximumRedirects > 0,
            let location = answer.encodedLocation ?? answer.headerFields.values(of: "Location").first,
            let target = CurlURL.resolve(location, against: url)
        else { return nil }
        guard redirects < configuration.maximumRedirects else {
            throw ClientError(
                .tooManyRedirects, "the server redirected more than \(redirects) times", bytesSent: answer.bytesSent)
        }
        guard let from = CurlURL.origin(of: url), let to = CurlURL.origin(of: target) else { return nil }
        // A body that was sent encrypted is never sent in the clear.
        guard from.scheme == to.scheme || to.scheme == "https" else { return nil }
        return .redirected(url: target, isSameOrigin: from == to)
    }

    /// How to go on after a failure.
    ///
    /// - Throws: `error`, perhaps with more to say, if that is the result.
    func next(after error: ClientError) throws(ClientError) -> Next {
        guard Client.Retry.covers(error.code), configuration.retry.covers(request.method),
            let delay = delay(retryAfter: nil)
        else { throw error }
        if let obstacle = request.source?.obstacle { throw error.adding("it was not sent again: \(obstacle)") }
        return .delayed(delay)
    }

    /// Whether the body can be counted and then still be sent.
    private var isCountable: Bool {
        guard let source = request.source else { return false }
        return source.isRepeatable || source.length != nil
    }

    private func delay(retryAfter: Duration?) -> Duration? {
        configuration.retry.delay(
            afterAttempt: attempt, elapsed: .now - began, retryAfter: retryAfter, chance: Double.random(in: 0...1))
    }

    /// Prepares the next try; suspends for as long as that takes.
    mutating func begin(_ next: Next, id: TransferID) async throws {
        self.id = id
        isRefused = false
        counter.reset()
        switch next {
        case .redirected(let url, let isSameOrigin):
            self.url = url
            redirects += 1
            isAtOrigin = isAtOrigin && isSameOrigin
        case .counted:
            if let source = request.source { countedLength = try await RequestBody.count(source) }
        case .delayed(let delay):
            attempt += 1
            do {
                try await Task.sleep(for: delay)
            } catch {
                throw ClientError.cancelled()
            }
        }
    }
}
