internal import CCurl

/// One request and its response, in its agent's turns: joins the state machine, the body, libcurl
/// and whoever waits.
final class Transfer {
    /// Whether libcurl still works on it.
    private enum Progress {
        /// → `succeeded`, `failed`
        case running
        case succeeded
        case failed(ClientError)
    }

    let id: TransferID
    let easy: EasyHandle
    let content: ContentBuffer
    let headerList = HeaderList()
    let counter: ProgressCounter
    let control: UploadControl
    let bucket: TokenBucket
    var machine: StateMachine
    var head: ResponseHeadReader
    let body: RequestBody
    /// What ended the upload from this side; libcurl itself only learns that a callback failed.
    var failure: ClientError?
    /// Bytes taken from the body which libcurl could not be given yet.
    var stash: ArraySlice<UInt8> = []
    /// When to look at the socket again, on which bytes wait that libcurl does not want; nil if there are none.
    var looksAgainAt: Instant?
    /// What is waited for on its behalf, besides what libcurl waits for.
    var watchedSocket: Int32?
    var watchedSource: Int32?
    /// See ``Agenda``.
    var isOnAgenda = false
    /// Whether libcurl has looked at it: until then, what it counts is of the request before.
    var hasBegun = false
    /// Since when there has been nothing to give.
    var isIdleSince = Instant.now
    let keepAliveInterval: Duration?
    /// Whether libcurl has the body, and asks for none of it.
    var isGivenWhole = false
    private let isBodyOfUnknownLength: Bool
    /// Whether parts come one by one, each by a call that may want to know how far all has got.
    let isOpenEnded: Bool
    /// Whether it is worth waiting for whether the server wants the body.
    let isLong: Bool
    /// Whether the response is read while the request is written.
    private let isDuplex: Bool
    /// Tells where the content ends where libcurl does not.
    var framing: ResponseFraming?
    var memory: Memory
    let agenda: Agenda
    private let connectTimeout: Duration
    var limits: TimeLimits
    let progressInterval: Duration
    /// When progress was reported last; nil before.
    var reportedAt: Instant?
    /// The most that was seen; what is asked for later may be of a socket that is closed.
    var bytesAcknowledged: Int64 = 0
    private(set) var totalBytes: Int64?
    let metrics = MetricsBox()
    let beganAt = Instant.now
    /// When the last header came to begin.
    var headBeganAt: Instant?
    let proxy: Client.Proxy
    let usesUnixSocket: Bool
    private let asksForCodings: Bool
    /// Whether the request has an `Expect` of ours, the first of `headerList`, rather than libcurl's.
    var insistsOnExpect = false
    /// How often sending made way for an answer that was none; see ``readBody(into:)``.
    var fruitlessYields = 0
    private var progress = Progress.running
    private var status: Int?
    private var waiter: Waiter?
    /// Whether the response, or the failure, has been handed over: what comes then is no progress
    /// of an upload.
    private(set) var isAnswered = false

    /// ``start(_:_:)`` comes next.
    ///
    /// - Parameter onContent: called on any thread when there may be more of the body to read.
    init(
        id: TransferID, request: TransferRequest, easy: EasyHandle, bucket: TokenBucket, waiter: Waiter, agenda: Agenda,
        onContent: @escaping @Sendable () -> Void
    ) {
        self.id = id
        self.easy = easy
        self.waiter = waiter
        self.agenda = agenda
        counter = request.counter
        memory = Memory(request.configuration.buffers)
        content = ContentBuffer(
            highWater: max(
                min(ContentBuffer.defaultHighWater, request.configuration.buffers.share), ContentBuffer.leastHighWater))
        control = request.control
        self.bucket = bucket
        keepAliveInterval = request.configuration.keepAliveInterval
        isDuplex = request.isDuplex
        connectTimeout = request.configuration.connectTimeout
        progressInterval = request.configuration.progressInterval
        limits = TimeLimits(
            stall: request.configuration.stallTimeout, total: request.configuration.requestTimeout, at: .now)
        proxy = request.configuration.proxy
        asksForCodings = request.asksForCodings
        usesUnixSocket = request.configuration.unixSocket != nil
        machine = StateMachine(
            hasBody: request.hasBody, isFinishing: request.isFinishing, isHeld: request.control.isPaused)
        body = RequestBody(
            messageEnd: request.messageEnd, coding: request.configuration.contentCoding,
            announced: request.announcedLength, isCounted: !request.isDuplex,
            context: BodyContext(priority: request.priority, onContent: onContent)
        )
        body.append(request.parts, isLast: request.isFinishing)
        isOpenEnded = !request.isFinishing
        isBodyOfUnknownLength = request.hasBody && body.length == nil
        let total = body.messageLength
        isLong = !isDuplex && (total ?? .max) > Self.expectThreshold
        head = ResponseHeadReader(
            expectsContinue: request.mayExpect(isLong: isLong),
            digest: request.authentication.isDigest ? .unasked(sendsEmptyBody: request.hasBody) : .none)
        if request.hasBody { totalBytes = total }
    }

    /// Sets up `easy`, with the memory that has been granted; nothing is sent before it is added to a
    /// multi handle.
    func start(_ request: TransferRequest, _ grant: BufferGrant) throws(CurlError) {
        let uploadBufferSize = keep(grant, for: request)
        try configure(request, uploadBufferSize: uploadBufferSize)
    }

    // MARK: Events

    var isRunning: Bool {
        if case .running = progress { true } else { false }
    }

    /// The final head has come, and with it the status.
    func finalHeadReceived(status: Int) {
        self.status = status
        easy.confirmSocket()
        perform(machine.finalHeadReceived(status: status))
        if machine.isRefused { body.close() }
        if isDuplex {
            framing = ResponseFraming(status: status, head.fields)
            endContentIfComplete()
        }
        agenda.add(self)
    }

    /// The peer has gone, and the response is complete; it is about to be taken out of the multi handle.
    func endedBehindResponse() { end(.succeeded) }

    /// Takes over who is to be told.
    func take(_ waiter: Waiter?) { self.waiter = waiter ?? self.waiter }

    /// More parts, or the end.
    func append(_ parts: [PreparedPart], isLast: Bool, waiter: Waiter?) {
        if let waiter { self.waiter = waiter }
        guard isRunning, !machine.isRefused else { return settle() }
        body.append(parts, isLast: isLast)
        totalBytes = body.messageLength
        perform(machine.partsAppended(isLast: isLast))
    }

    /// libcurl is done with it; it is about to be taken out of the multi handle.
    func finished(_ code: CURLcode) {
        guard isRunning else { return }
        if code == CURLE_SEND_ERROR, takeUnreadAnswer() { return }
        if code != CURLE_OK {
            let error = sent(failure ?? transportError(code))
            // The body's end was in libcurl's hands, but not sent: a success that came before is none.
            if code == CURLE_SEND_ERROR, !machine.isRefused { waiter.take()?.fail(error) }
            end(machine.download == .complete ? .succeeded : .failed(error))
            return
        }
        // One that libcurl did not answer by sending again.
        if let status = head.acceptTentative() { finalHeadReceived(status: status) }
        if let status, machine.upload != .complete, !machine.isRefused, !isDuplex {
            let message = "the server ended its answer, status \(status), before the whole body was sent"
            end(.failed(sent(ClientError(.connectionLost, message))))
        } else {
            end(.succeeded)
        }
    }

    private func transportError(_ code: CURLcode) -> ClientError {
        let error = easy.error(code)
        if !head.isUntouched, let complaint = error.complaintAboutResponse {
            return ClientError(.invalidResponse, complaint, curlCode: Int32(code.rawValue))
        }
        let proxyStatus = easy.long(CURLINFO_HTTP_CONNECTCODE)
        if proxyStatus >= 300 {
            return ClientError(
                .connectionFailed, "the proxy refused to connect, status \(proxyStatus)",
                curlCode: Int32(code.rawValue))
        }
        if code == CURLE_OPERATION_TIMEDOUT {
            // The only limit that libcurl is told of.
            let message = "connecting took longer than \(connectTimeout) (connectTimeout): \(error)"
            return ClientError(.timedOut, message, curlCode: Int32(code.rawValue))
        }
        return ClientError(error, systemError: Int32(easy.long(CURLINFO_OS_ERRNO)))
    }

    /// Sending failed: if the server had refused the body before, that is what happened.
    private func takeUnreadAnswer() -> Bool {
        guard machine.download == .awaitingHead, failure == nil,
            let answer = UnreadAnswer(easy.unread, head: &head), answer.status >= 300
        else { return false }
        finalHeadReceived(status: answer.status)
        _ = answer.content.withUnsafeBytes { content.append($0) }
        let cut = ClientError(
            .connectionLost, "the connection was lost before the content of the response was complete")
        end(answer.isComplete ? .succeeded : .failed(sent(cut)))
        return true
    }

    /// Ends it from this side; it is about to be taken out of the multi handle.
    func aborted(_ error: ClientError) {
        guard isRunning else { return }
        end(.failed(sent(error)))
    }

    private func end(_ progress: Progress) {
        self.progress = progress
        updateMetrics(isEnded: true)
        reportLast()
        isAnswered = true
        stopWaiting()
        content.transferEnded()
        stash = []
        switch progress {
        case .running: break
        case .succeeded: content.complete()
        case .failed(let error): content.fail(error)
        }
        // Behind that: whoever writes to it asks then what has happened.
        body.close()
        if !isSuccess { easy.forgetPurpose() }
        settle()
    }

    private var isSuccess: Bool {
        guard case .succeeded = progress, let status else { return false }
        return (200...299).contains(status)
    }

    private func sent(_ error: ClientError) -> ClientError {
        var error = error
        error.bytesSent = bytesSent
        return error
    }

    // MARK: Consequences

    /// Does what the state machine wants done. Never called from within libcurl's read or write
    /// callbacks, but for resuming, which libcurl allows from all of them.
    func perform(_ action: StateMachine.Action) {
        switch action {
        case .none: break
        case .resume:
            var mask = CURLPAUSE_CONT
            if machine.isUploadPaused { mask |= CURLPAUSE_SEND }
            if machine.isDownloadPaused { mask |= CURLPAUSE_RECV }
            easy.pause(mask)
        }
    }

    /// Tells the one who waits, if there is something to tell.
    func settle() {
        if machine.isRefused { stopWaiting() }
        guard let waiter else { return }
        switch (waiter.goal, machine.news, progress) {
        case (.partsSent, .partsSent, .running):
            self.waiter = nil
            reportLast()
            waiter.succeed(.partsSent(bytesSent: bytesSent))
        case (_, .answeredEarly, _), (.answer, .responded, _):
            self.waiter = nil
            reportLast()
            isAnswered = true
            waiter.succeed(.answered(answer))
        case (.head, _, .running) where machine.download != .awaitingHead,
            (.head, _, .succeeded) where machine.download != .awaitingHead:
            self.waiter = nil
            waiter.succeed(.answered(answer))
        case (_, _, .failed(let error)):
            self.waiter = nil
            waiter.fail(error)
        case (_, _, .running):
            break
        case (_, _, .succeeded):
            self.waiter = nil
            waiter.fail(sent(head.endedTooEarly))
        }
    }

    private var answer: Answer {
        if isRunning { updateMetrics(isEnded: false) }
        return Answer(
            status: status ?? 0, headerFields: head.fields, bytesSent: bytesSent,
            isBodyOfUnknownLength: isBodyOfUnknownLength, content: content, isDecoded: asksForCodings, metrics: metrics)
    }

    /// Of the body, as far as libcurl's count, which includes chunk framing, can tell.
    var bytesSent: Int64 {
        guard hasBegun else { return 0 }
        let isWhole = machine.upload == .complete && machine.download != .awaitingHead
        return isWhole ? body.offset : min(easy.offset(CURLINFO_SIZE_UPLOAD_T), body.offset)
    }
}
