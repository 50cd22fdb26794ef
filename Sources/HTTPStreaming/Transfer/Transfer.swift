internal import CCurl

/// One attempt to send a request and receive its response. Connects the state machine, the body, libcurl and the waiting
/// caller. Used by the agent only.
final class Transfer: TransferCallbacks {
    private enum State {
        /// → `succeeded`, `failed`
        case running
        case succeeded
        case failed(ClientError)
    }

    let id: TransferID
    let easy: EasyHandle
    let pending: PendingTransfers
    let settings: ClientSettings
    var machine: StateMachine
    var upload: Upload
    var download: Download
    var bookkeeping: Bookkeeping
    var watching = Watching()
    var memory = Memory()
    private var state = State.running
    var waiter: Waiter?

    /// Makes a transfer. libcurl begins when ``easy`` has been configured and added to a multi handle.
    ///
    /// - Parameter onContent: called on any thread when more of the body may be readable.
    init(
        id: TransferID, request: TransferRequest, easy: EasyHandle, bucket: TokenBucket, waiter: Waiter,
        pending: PendingTransfers, onContent: @escaping @Sendable () -> Void
    ) {
        self.id = id
        self.easy = easy
        self.waiter = waiter
        self.pending = pending
        settings = request.settings
        machine = StateMachine(hasBody: request.hasBody, isHeld: request.control.isPaused)
        upload = Upload(
            request, bucket,
            ReadContext(priority: request.priority, isResumable: request.upload != nil, onContent: onContent))
        download = Download(request, isLongUpload: upload.isLong)
        bookkeeping = Bookkeeping(request)
    }

    // MARK: Events

    var isRunning: Bool {
        if case .running = state { true } else { false }
    }

    /// To be called when the head of the final response was received.
    func finalHeadReceived(status: Int) {
        download.status = status
        easy.sockets.confirm()
        perform(machine.finalHeadReceived(status: status))
        if machine.isRefused { upload.body.close() }
        if download.isDuplex {
            download.framing = ResponseFraming(status: status, download.head.fields)
            endContentIfComplete()
        }
        pending.add(self)
    }

    /// To be called when parts, or the end of the body, were added.
    func partsAdded(_ waiter: Waiter) {
        self.waiter = waiter
        if waiter.goal == .answer { bookkeeping.isAwaitedLater = false }
        guard isRunning, !machine.isRefused else { return resumeCaller() }
        upload.totalBytes = upload.body.plainLength
        perform(machine.partsAdded())
    }

    /// To be called when libcurl has ended the transfer, before it is removed from the multi handle.
    func finished(_ code: CURLcode) {
        guard isRunning else { return }
        if code == CURLE_SEND_ERROR, takeUnreadResponse() { return }
        if code != CURLE_OK {
            let error = sent(upload.failure ?? transportError(code))
            // libcurl did not send the end of the body: a success that was received before does not count.
            if code == CURLE_SEND_ERROR, !machine.isRefused { waiter.take()?.fail(error) }
            end(machine.download == .complete ? nil : error)
            return
        }
        // A tentative response is final if libcurl did not send the request again.
        if let status = download.head.acceptTentative() { finalHeadReceived(status: status) }
        if let status = download.status, machine.upload != .complete, !machine.isRefused, !download.isDuplex {
            let message = "the server ended its response, status \(status), before the whole body was sent"
            end(ClientError(.connectionLost, message))
        } else {
            end(nil)
        }
    }

    private func transportError(_ code: CURLcode) -> ClientError {
        let error = easy.error(code)
        // libcurl does not pass on a line before its end: a status line may be too long.
        if !download.head.isUntouched || error.meansLongHeader && !isConnecting, let problem = error.responseProblem {
            return ClientError(.invalidResponse, problem, curlCode: Int32(code.rawValue))
        }
        let proxyStatus = easy.long(CURLINFO_HTTP_CONNECTCODE)
        if proxyStatus >= 300 {
            return ClientError(
                .connectionFailed, "the proxy refused to connect, status \(proxyStatus)",
                curlCode: Int32(code.rawValue))
        }
        if error.meansPlainPeer {
            // Without a tunnel, the handshake may have been that with an `https` proxy.
            let peer = proxyStatus == 0 && usedProxy == true ? "proxy" : "server"
            return ClientError(
                .tls, "the \(peer) does not speak TLS on this port; its URL may have to begin with http://",
                curlCode: Int32(code.rawValue))
        }
        if code == CURLE_OPERATION_TIMEDOUT {
            // The connect timeout is the only time limit that is set in libcurl.
            let limit = settings.configuration.connectTimeout
            return ClientError(
                .timedOut, "connecting took longer than \(limit) (connectTimeout): \(error)",
                curlCode: Int32(code.rawValue))
        }
        return ClientError(error, systemError: Int32(easy.long(CURLINFO_OS_ERRNO)))
    }

    /// Ends the transfer, before it is removed from the multi handle.
    ///
    /// - Parameter error: nil for success.
    func end(_ error: ClientError?) {
        let error = error.map(sent)
        state = error.map { .failed($0) } ?? .succeeded
        updateMetrics(isEnded: true)
        reportLast()
        download.isHandedOver = true
        stopWaitingForMemory()
        download.content.transferEnded()
        upload.deferredBytes = []
        if let error { download.content.fail(error) } else { download.content.complete() }
        // Last, because closing makes a writer of the body ask for the result.
        upload.body.close()
        if !isSuccess { easy.discardSetup() }
        resumeCaller()
    }

    private var isSuccess: Bool {
        guard case .succeeded = state, let status = download.status else { return false }
        return (200...299).contains(status)
    }

    /// Adds the number of sent bytes to an error.
    private func sent(_ error: ClientError) -> ClientError {
        var error = error
        error.bytesSent = bytesSent
        return error
    }

    // MARK: Consequences

    /// Performs an action of the state machine. May be called within callbacks, where libcurl allows resuming.
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

    /// Resumes the waiting caller if its goal is reached or the transfer has ended.
    func resumeCaller() {
        if machine.isRefused { stopWaitingForMemory() }
        guard let waiter = waiter.take() else { return }
        switch (waiter.goal, machine.milestone(isFinished: upload.body.isFinished), state) {
        case (.partsSent, .partsSent, .running):
            reportLast()
            waiter.succeed(.partsSent(bytesSent: bytesSent))
        case (_, .answeredEarly, _), (.answer, .responded, _):
            reportLast()
            download.isHandedOver = true
            waiter.succeed(.answered(answer))
        case (.head, _, .running) where machine.download != .awaitingHead,
            (.head, _, .succeeded) where machine.download != .awaitingHead:
            waiter.succeed(.answered(answer))
        case (_, _, .failed(let error)):
            waiter.fail(error)
        case (_, _, .running):
            self.waiter = waiter
        case (_, _, .succeeded):
            waiter.fail(sent(download.head.endedTooEarly))
        }
    }

    private var answer: TransferResponse {
        if isRunning { updateMetrics(isEnded: false) }
        return TransferResponse(
            status: download.status ?? 0, headerFields: download.head.fields,
            encodedLocation: download.head.encodedLocation, bytesSent: bytesSent,
            isBodyOfUnknownLength: upload.isOfUnknownLength, content: download.content,
            isDecoded: download.isDecoded, metrics: bookkeeping.metrics,
            progressInterval: settings.configuration.progressInterval)
    }

    /// The offset in the body up to which libcurl has sent it. Its count includes the framing of chunks, so it is
    /// limited to the number of bytes that were passed to it.
    var bytesSent: Int64 {
        let body = upload.body
        guard bookkeeping.hasBegun else { return body.start }
        let isWhole = machine.upload == .complete && machine.download != .awaitingHead
        return isWhole ? body.position : body.start + min(easy.offset(CURLINFO_SIZE_UPLOAD_T), body.offset)
    }
}
