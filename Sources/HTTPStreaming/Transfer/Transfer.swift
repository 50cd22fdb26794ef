internal import CCurl

/// One try to send a request and receive its response, in the turns of its agent: joins the state machine, the body,
/// libcurl and the waiting caller.
final class Transfer: TransferCallbacks {
    /// Whether libcurl still works on it.
    private enum Progress {
        /// → `succeeded`, `failed`
        case running
        case succeeded
        case failed(ClientError)
    }

    let id: TransferID
    let easy: EasyHandle
    let pending: PendingTransfers
    var machine: StateMachine
    var upload: Upload
    var download: Download
    var bookkeeping: Bookkeeping
    var watching = Watching()
    var memory: Memory
    private var progress = Progress.running
    private var waiter: Waiter?

    /// ``start(_:_:)`` comes next.
    ///
    /// - Parameter onContent: called on any thread when there may be more of the body to read.
    init(
        id: TransferID, request: TransferRequest, easy: EasyHandle, bucket: TokenBucket, waiter: Waiter,
        pending: PendingTransfers, onContent: @escaping @Sendable () -> Void
    ) {
        self.id = id
        self.easy = easy
        self.waiter = waiter
        self.pending = pending
        memory = Memory(request.configuration.buffers)
        machine = StateMachine(hasBody: request.hasBody, isHeld: request.control.isPaused)
        upload = Upload(request, bucket, ReadContext(priority: request.priority, onContent: onContent))
        download = Download(request, isLongUpload: upload.isLong)
        bookkeeping = Bookkeeping(request)
    }

    /// Sets up `easy` with the memory that has been granted. Nothing is sent before the handle is added to a multi
    /// handle.
    func start(_ request: TransferRequest, _ grant: BufferGrant) throws(CurlError) {
        let uploadBufferSize = keep(grant, for: request)
        try configure(request, uploadBufferSize: uploadBufferSize)
    }

    // MARK: Events

    var isRunning: Bool {
        if case .running = progress { true } else { false }
    }

    /// The final head has been received.
    func finalHeadReceived(status: Int) {
        download.status = status
        easy.confirmSocket()
        perform(machine.finalHeadReceived(status: status))
        if machine.isRefused { upload.body.close() }
        if download.isDuplex {
            download.framing = ResponseFraming(status: status, download.head.fields)
            endContentIfComplete()
        }
        pending.add(self)
    }

    /// The peer has closed the connection after a complete response; the transfer is about to be taken out of the
    /// multi handle.
    func endedBehindResponse() { end(.succeeded) }

    /// Replaces the caller that is told about the transfer.
    func take(_ waiter: Waiter?) { self.waiter = waiter ?? self.waiter }

    /// Parts, or the end, have been added to the form that is sent.
    func partsAdded(_ waiter: Waiter) {
        self.waiter = waiter
        guard isRunning, !machine.isRefused else { return settle() }
        upload.totalBytes = upload.body.plainLength
        perform(machine.partsAdded())
    }

    /// libcurl has ended the transfer; it is about to be taken out of the multi handle.
    func finished(_ code: CURLcode) {
        guard isRunning else { return }
        if code == CURLE_SEND_ERROR, takeUnreadAnswer() { return }
        if code != CURLE_OK {
            let error = sent(upload.failure ?? transportError(code))
            // libcurl had the end of the body but did not send it: a success received before does not count.
            if code == CURLE_SEND_ERROR, !machine.isRefused { waiter.take()?.fail(error) }
            end(machine.download == .complete ? .succeeded : .failed(error))
            return
        }
        // A tentative answer that libcurl did not follow by sending the request again.
        if let status = download.head.acceptTentative() { finalHeadReceived(status: status) }
        if let status = download.status, machine.upload != .complete, !machine.isRefused, !download.isDuplex {
            let message = "the server ended its answer, status \(status), before the whole body was sent"
            end(.failed(sent(ClientError(.connectionLost, message))))
        } else {
            end(.succeeded)
        }
    }

    private func transportError(_ code: CURLcode) -> ClientError {
        let error = easy.error(code)
        if !download.head.isUntouched, let complaint = error.complaintAboutResponse {
            return ClientError(.invalidResponse, complaint, curlCode: Int32(code.rawValue))
        }
        let proxyStatus = easy.long(CURLINFO_HTTP_CONNECTCODE)
        if proxyStatus >= 300 {
            return ClientError(
                .connectionFailed, "the proxy refused to connect, status \(proxyStatus)",
                curlCode: Int32(code.rawValue))
        }
        if code == CURLE_OPERATION_TIMEDOUT {
            // The connect timeout is the only time limit that libcurl is given.
            let limit = bookkeeping.connectTimeout
            return ClientError(
                .timedOut, "connecting took longer than \(limit) (connectTimeout): \(error)",
                curlCode: Int32(code.rawValue))
        }
        return ClientError(error, systemError: Int32(easy.long(CURLINFO_OS_ERRNO)))
    }

    /// Sending failed: if the server had refused the body before, that is the result.
    private func takeUnreadAnswer() -> Bool {
        guard machine.download == .awaitingHead, upload.failure == nil,
            let answer = UnreadResponse(easy.unread, head: &download.head), answer.status >= 300
        else { return false }
        finalHeadReceived(status: answer.status)
        _ = answer.content.withUnsafeBytes { download.content.append($0) }
        let cut = ClientError(
            .connectionLost, "the connection was lost before the content of the response was complete")
        end(answer.isComplete ? .succeeded : .failed(sent(cut)))
        return true
    }

    /// Ends the transfer from this side; it is about to be taken out of the multi handle.
    func aborted(_ error: ClientError) {
        guard isRunning else { return }
        end(.failed(sent(error)))
    }

    private func end(_ progress: Progress) {
        self.progress = progress
        updateMetrics(isEnded: true)
        reportLast()
        download.isHandedOver = true
        stopWaiting()
        download.content.transferEnded()
        upload.held = []
        switch progress {
        case .running: break
        case .succeeded: download.content.complete()
        case .failed(let error): download.content.fail(error)
        }
        // After that: a writer of the body asks then why it was closed.
        upload.body.close()
        if !isSuccess { easy.forgetPurpose() }
        settle()
    }

    private var isSuccess: Bool {
        guard case .succeeded = progress, let status = download.status else { return false }
        return (200...299).contains(status)
    }

    private func sent(_ error: ClientError) -> ClientError {
        var error = error
        error.bytesSent = bytesSent
        return error
    }

    // MARK: Consequences

    /// Performs an action of the state machine. Never called within libcurl's read or write callbacks, except to
    /// resume, which libcurl allows in all of them.
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

    /// Resumes the waiting caller if its goal is reached or the transfer has failed.
    func settle() {
        if machine.isRefused { stopWaiting() }
        guard let waiter else { return }
        switch (waiter.goal, machine.news(isFinished: upload.body.isFinished), progress) {
        case (.partsSent, .partsSent, .running):
            self.waiter = nil
            reportLast()
            waiter.succeed(.partsSent(bytesSent: bytesSent))
        case (_, .answeredEarly, _), (.answer, .responded, _):
            self.waiter = nil
            reportLast()
            download.isHandedOver = true
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
            waiter.fail(sent(download.head.endedTooEarly))
        }
    }

    private var answer: Answer {
        if isRunning { updateMetrics(isEnded: false) }
        return Answer(
            status: download.status ?? 0, headerFields: download.head.fields, bytesSent: bytesSent,
            isBodyOfUnknownLength: upload.isOfUnknownLength, content: download.content,
            isDecoded: download.isDecoded, metrics: bookkeeping.metrics)
    }

    /// Bytes of the body, as far as libcurl's count, which includes chunk framing, can tell.
    var bytesSent: Int64 {
        guard bookkeeping.hasBegun else { return 0 }
        let body = upload.body
        let isWhole = machine.upload == .complete && machine.download != .awaitingHead
        return isWhole ? body.offset : min(easy.offset(CURLINFO_SIZE_UPLOAD_T), body.offset)
    }
}
