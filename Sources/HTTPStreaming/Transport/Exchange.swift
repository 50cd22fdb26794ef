internal import Multipart

/// One request of a client, with all that is needed to send it again: as often as redirects, refusals
/// of its framing, and failures call for it.
struct Exchange: Sendable {
    /// Why and how a request is sent again.
    enum Next: Equatable {
        case redirected(url: String, isSameOrigin: Bool)
        /// The server wants to be told the length.
        case counted
        case delayed(Duration)
    }

    let counter: ProgressCounter
    private let control: UploadControl
    /// Of the try that goes on.
    private(set) var id: TransferID
    private(set) var isFinished = false
    private let encoder = MultipartEncoder()
    private let began = Instant.now
    private let isOpenEnded: Bool
    private var url: String
    /// Whether all redirects have been within the origin that the client was made for.
    private var maySendCredentials = true
    /// All parts given so far; nil if they have been let go.
    private(set) var parts: [PreparedPart]? = []
    private var footprint = 0
    private var attempt = 1
    private var redirects = 0
    private var announcedLength: Int64?
    /// The caller has been told that the server takes no more.
    private var isRefused = false

    /// - Parameter isOpenEnded: whether parts come one by one.
    init(id: TransferID, url: String, isOpenEnded: Bool, progress hub: ProgressHub, control: UploadControl) {
        self.id = id
        self.url = url
        counter = ProgressCounter(hub)
        self.control = control
        self.isOpenEnded = isOpenEnded
    }

    /// Looks at the sources of parts. Suspends, and blocks no thread of the caller's.
    ///
    /// - Throws: ``ClientError`` for the first that cannot be sent.
    nonisolated(nonsending) func prepare(_ parts: [Part], recognizesCompressed: Bool) async throws -> [PreparedPart] {
        let prepare = { [encoder] () throws(ClientError) in
            var prepared: [PreparedPart] = []
            prepared.reserveCapacity(parts.count)
            var readOnce: Set<ObjectIdentifier> = []
            for part in parts {
                let isFirst = prepared.isEmpty
                let part = try PreparedPart(
                    part, encoder: encoder, recognizesCompressed: recognizesCompressed, staysOpen: isFirst)
                if let once = part.once, !readOnce.insert(ObjectIdentifier(once)).inserted {
                    throw ClientError(
                        .invalidPart, "\(part.content.name): given twice, and the source can be read once only")
                }
                prepared.append(part)
            }
            return prepared
        }
        guard parts.contains(where: \.blocks) else { return try prepare() }
        return try await withTaskExecutorPreference(BlockingExecutor.shared) { try prepare() }
    }

    mutating func append(_ newParts: [PreparedPart], isLast: Bool) {
        isFinished = isLast
        parts?.append(contentsOf: newParts)
        guard isOpenEnded else { return }
        footprint += newParts.reduce(0) { $0 + $1.footprint }
        // The transfer keeps, and lets go, by the same measure.
        if footprint > BodyReader.replayBudget { parts = nil }
    }

    /// For the agent: the request from its beginning.
    ///
    /// - Parameter parts: all given so far.
    func request(
        _ settings: ClientSettings, _ parts: [PreparedPart]
    ) -> TransferRequest {
        let hasBody = settings.method.impliesBody || !parts.isEmpty || !isFinished
        return TransferRequest(
            settings: settings, url: url, maySendCredentials: maySendCredentials,
            contentType: hasBody ? encoder.boundary.contentType : nil, parts: parts, messageEnd: encoder.messageEnd,
            isFinishing: isFinished, isDuplex: false, announcedLength: announcedLength, counter: counter,
            control: control,
            priority: Task.currentPriority
        )
    }

    // MARK: Sending again

    /// How to go on after an answer; nil if that is the result.
    mutating func next(
        after answer: Answer, _ method: Client.Method, _ configuration: Client.Configuration
    ) throws(ClientError) -> Next? {
        defer { isRefused = true }
        // Parts that were refused are not in the caller's mind any more.
        guard !isRefused, obstacle == nil else { return nil }
        switch answer.status {
        case 307, 308,
            301 where !method.impliesBody, 302 where !method.impliesBody,
            303 where method == .get || method == .head:
            return try redirect(answer, configuration)
        case 411, 501:
            guard isFinished, announcedLength == nil, answer.isBodyOfUnknownLength,
                isCountable(configuration.contentCoding)
            else { return nil }
            return .counted
        case let status where Client.Retry.covers(status: status) && configuration.retry.covers(method):
            let retryAfter = answer.headerFields["Retry-After"].flatMap { CurlDate.duration(retryAfter: $0) }
            return delay(configuration.retry, retryAfter: retryAfter).map { .delayed($0) }
        default:
            return nil
        }
    }

    private func redirect(_ answer: Answer, _ configuration: Client.Configuration) throws(ClientError) -> Next? {
        guard configuration.maximumRedirects > 0, let location = answer.headerFields.values(of: "Location").first,
            let target = CurlURL.resolve(location, against: url)
        else { return nil }
        guard redirects < configuration.maximumRedirects else {
            throw ClientError(
                .tooManyRedirects, "the server redirected more than \(redirects) times", bytesSent: answer.bytesSent)
        }
        guard let from = CurlURL.origin(of: url), let to = CurlURL.origin(of: target) else { return nil }
        // What was to be secret stays so.
        guard from.scheme == to.scheme || to.scheme == "https" else { return nil }
        return .redirected(url: target, isSameOrigin: from == to)
    }

    /// How to go on after a failure.
    ///
    /// - Throws: `error`, perhaps with more to say, if that is the result.
    func next(
        after error: ClientError, _ method: Client.Method, _ configuration: Client.Configuration
    ) throws(ClientError) -> Next {
        guard Client.Retry.covers(error.code), configuration.retry.covers(method),
            let delay = delay(configuration.retry, retryAfter: nil)
        else { throw error }
        if let obstacle { throw error.adding("it was not sent again: \(obstacle)") }
        return .delayed(delay)
    }

    /// Why it cannot be sent again; nil if it can.
    private var obstacle: String? {
        guard let parts else { return "parts that were sent have been let go" }
        return parts.lazy.compactMap(\.usedUp).first.map { "\($0) can be read once only" }
    }

    /// Whether the body can be counted and then still be sent.
    private func isCountable(_ coding: Client.ContentCoding) -> Bool {
        guard let parts else { return false }
        return parts.allSatisfy { $0.once == nil } || coding == .identity && parts.allSatisfy { $0.length != nil }
    }

    private func delay(_ retry: Client.Retry, retryAfter: Duration?) -> Duration? {
        retry.delay(
            afterAttempt: attempt, elapsed: .now - began, retryAfter: retryAfter, chance: Double.random(in: 0...1))
    }

    /// Makes itself ready to be sent again; suspends for as long as that takes.
    mutating func begin(_ next: Next, id: TransferID, coding: Client.ContentCoding) async throws {
        self.id = id
        isRefused = false
        counter.reset()
        switch next {
        case .redirected(let url, let isSameOrigin):
            self.url = url
            redirects += 1
            maySendCredentials = maySendCredentials && isSameOrigin
        case .counted:
            announcedLength = try await RequestBody.count(parts ?? [], messageEnd: encoder.messageEnd, coding)
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

extension Part {
    /// Whether looking at the source may take the time of a disk.
    fileprivate var blocks: Bool {
        switch source {
        case .file, .descriptor: true
        case .bytes, .stream: false
        }
    }
}
