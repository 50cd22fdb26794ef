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
        /// An upload that the server keeps is continued.
        case upload(ResumableUpload.Action)
    }

    let request: PreparedRequest
    /// Where parts are added; nil for a request that takes none.
    let form: MultipartSource?
    let counter: ProgressCounter<UploadProgress>
    let settings: ClientSettings
    let control: UploadControl
    /// The upload, if it may be resumed.
    var session: UploadSession?
    /// Of the current try.
    private(set) var id: TransferID
    private var began = Instant.now
    /// In addition to those of the request: they select the bytes that a download still needs.
    private var rangeFields: HeaderFields = [:]
    private(set) var url: String
    /// Whether all redirects have been within the origin of the request.
    private var isAtOrigin = true
    private var attempt = 1
    var redirects: [UploadProgress.Redirect] = []
    private(set) var countedLength: Int64?
    /// Whether the request was sent again because a kept connection had been closed. libcurl does that too, once.
    private var wasSentAgain = false
    /// The digest that was computed while the body was counted.
    private var countedDigest: String?
    /// Whether the caller has been told that the server takes no more parts.
    private(set) var isRefused = false

    init(
        id: TransferID, _ request: PreparedRequest, form: MultipartSource? = nil, _ settings: ClientSettings,
        _ progress: ProgressHub<UploadProgress>, _ control: UploadControl
    ) {
        self.id = id
        self.request = request
        self.form = form
        self.settings = settings
        self.control = control
        url = request.url
        counter = ProgressCounter(progress, from: UploadProgress())
        let resumption = settings.configuration.resumption
        if let source = request.source, resumption.isEnabled, resumption.kind != .tus || request.method == .post {
            session = UploadSession(resumption, source)
        }
    }

    /// Whether no parts are added any more.
    var isFinished: Bool { form?.isFinished ?? true }

    var configuration: Client.Configuration { settings.configuration }

    /// What the request and the configuration have for a server.
    struct Scope {
        var headerFields: HeaderFields
        var authentication: Client.Authentication
        var clientCertificate: Client.TLS.ClientCertificate?
    }

    /// What may be sent to a URL.
    func scope(of url: String) -> Scope {
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
        return Scope(
            headerFields: headerFields, authentication: authentication,
            clientCertificate: usesConfiguration ? configuration.tls.clientCertificate : nil)
    }

    /// For the agent: the next request.
    ///
    /// - Parameter isDuplex: whether the response is read while the body is written.
    func transferRequest(isDuplex: Bool = false) -> TransferRequest {
        if let continuingRequest { return continuingRequest }
        let scope = scope(of: url)
        var headerFields = scope.headerFields
        headerFields.merge(rangeFields)
        let session = isDuplex ? nil : session
        let hasBody = session?.createsWithBody ?? true
        let trailer = countedLength == nil && hasBody ? request.trailer : nil
        if trailer != nil { headerFields["Trailer"] = "Repr-Digest" }
        if let digest = request.digestField ?? countedDigest { headerFields["Repr-Digest"] = digest }
        if let session {
            if headerFields["Upload-Metadata"] == nil {
                headerFields.merge(
                    session.dialect.metadataField(filename: request.filename, contentType: request.contentType))
            }
            headerFields.merge(
                session.dialect.creationFields(
                    length: countedLength ?? request.source?.length, hasBody: session.createsWithBody))
        }
        // With tus the request is about the upload, with the draft about its content.
        let describesBody = session?.dialect != .tus
        return TransferRequest(
            settings: settings, method: request.method, url: url, headerFields: headerFields,
            authentication: scope.authentication, clientCertificate: scope.clientCertificate,
            contentType: describesBody ? request.contentType : nil,
            contentEncoding: describesBody ? request.contentEncoding : nil,
            source: hasBody ? request.source : MemorySource(bytes: [], isCompressed: false),
            isDuplex: isDuplex, countedLength: hasBody ? countedLength : nil,
            upload: hasBody ? session?.observer(url: url, isCreation: true) : nil,
            needsNewConnection: session?.hasNegotiated ?? false, trailer: trailer,
            stallTimeout: request.stallTimeout ?? configuration.stallTimeout,
            requestTimeout: request.requestTimeout ?? configuration.requestTimeout, counter: counter, control: control,
            priority: Task.currentPriority
        )
    }
}

// MARK: Asking for content again

extension Exchange {
    /// Whether the request is a `GET` without a body.
    var isDownload: Bool { request.method == .get && request.source == nil }

    /// Whether the request has a range, or a condition of a cache: then its content cannot be asked for in another way.
    var hasRangeOrCondition: Bool {
        let fields = scope(of: request.url).headerFields
        return fields.contains { field in
            ["range", "if-range", "if-none-match", "if-modified-since"].contains(field.name.lowercased())
        }
    }

    /// Prepares the same request once more, from its own URL: what redirects lead to may be valid for a short time only.
    ///
    /// - Parameters:
    ///   - fields: select the bytes; empty for all.
    ///   - isDecoded: whether the client has asked for content codings.
    mutating func prepareAgain(_ fields: HeaderFields, isDecoded: Bool, id: TransferID) {
        rangeFields = fields
        // The same representation must be selected, although ranges are not decoded by themselves.
        (url, isAtOrigin, redirects) = (request.url, true, [])
        if !fields.isEmpty, isDecoded, scope(of: url).headerFields["Accept-Encoding"] == nil {
            rangeFields["Accept-Encoding"] = Client.Configuration.acceptedCodings
        }
        self.id = id
        (isRefused, wasSentAgain) = (false, false)
        resetProgress()
    }

    /// When the content is asked for again, which counts as an attempt; nil if no more are allowed.
    mutating func retry(after cause: ClientError) -> UploadProgress.Retry? {
        guard configuration.retry.covers(request.method), let delay = delay(retryAfter: nil) else { return nil }
        attempt += 1
        return UploadProgress.Retry(
            attempt: attempt, maximumAttempts: configuration.retry.attempts, delay: delay, cause: cause.description)
    }

    /// More content than ever has been received: attempts and time are counted from now on.
    mutating func restartAttempts() { (attempt, began) = (1, .now) }
}

// MARK: Sending again

extension Exchange {
    /// How to go on after an answer; nil if that is the result.
    mutating func next(after answer: TransferResponse) throws(ClientError) -> Next? {
        defer { isRefused = true }
        if !isRefused, let continuation = try continuation(after: answer) {
            return if case .next(let next) = continuation { next } else { nil }
        }
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

    /// How to go on after a failure.
    ///
    /// - Throws: `error`, perhaps with more to say, if that is the result.
    mutating func next(after error: ClientError) throws(ClientError) -> Next {
        if let continuation = try continuation(after: error) {
            guard case .next(let next) = continuation else {
                throw error.adding("no more attempts to resume it are left")
            }
            return next
        }
        if error.wasNotProcessed, !wasSentAgain, request.source?.obstacle == nil {
            wasSentAgain = true
            return .delayed(.zero)
        }
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

    /// Reports the delay before the next attempt; does nothing if there is none.
    func reportRetry(_ next: Next, _ cause: @autoclosure () -> String) {
        let (attempt, maximum, delay): (Int, Int, Duration)
        switch next {
        case .delayed(let time):
            (attempt, maximum, delay) = (self.attempt + 1, configuration.retry.attempts, time)
        case .upload(.create(let time)), .upload(.ask(let time)), .upload(.append(_, let time)):
            guard let session else { return }
            (attempt, maximum, delay) = (session.machine.attempt, configuration.resumption.retry.attempts, time)
        case .redirected, .counted, .upload(.finish), .upload(.fail):
            return
        }
        guard delay > .zero, counter.isWanted else { return }
        var progress = counter.progress
        progress.retry = UploadProgress.Retry(
            attempt: attempt, maximumAttempts: maximum, delay: delay, cause: cause())
        counter.report(progress)
    }

    /// Counts from 0 again, because the body is sent again.
    func resetProgress() { counter.reset(to: UploadProgress(redirects: redirects)) }

    /// Prepares the next try; suspends for as long as that takes.
    mutating func begin(_ next: Next, id: TransferID) async throws(ClientError) {
        self.id = id
        isRefused = false
        switch next {
        case .redirected(let url, let isSameOrigin):
            resetProgress()
            self.url = url
            isAtOrigin = isAtOrigin && isSameOrigin
        case .counted:
            resetProgress()
            if let source = request.source { countedLength = try await RequestBody.count(source) }
            countedDigest = request.trailer?.fieldValue
        case .delayed(let delay):
            if continuingRequest == nil { resetProgress() }
            attempt += 1
            try await Self.sleep(delay)
        case .upload(let action):
            try await begin(action)
        }
    }

    static func sleep(_ delay: Duration) async throws(ClientError) {
        do {
            try await Task.sleep(for: delay)
        } catch {
            throw ClientError.cancelled()
        }
    }
}
