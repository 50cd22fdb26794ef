internal import CCurl
internal import Platform

/// Timers and time limits.
extension Transfer {
    /// Performs what is due.
    ///
    /// - Returns: when to call it again; nil if no timer is set.
    func performTimer(at now: Instant) -> Instant? {
        perform(machine.timePassed(now))
        var time = Instant.earlier(sendHeartbeat(at: now), reportProgress(at: now))
        time = .earlier(time, bookkeeping.limits.deadline)
        if case .throttled(let end) = machine.upload { time = .earlier(time, end) }
        return .earlier(time, watching.nextPeek)
    }

    /// Counts the time since the last call.
    ///
    /// - Returns: the error that ends the transfer; nil if no limit is exceeded.
    func timeLimitExceeded(at now: Instant) -> ClientError? {
        bookkeeping.limits.advance(to: now, isCounting: machine.waitsForPeer)
        if bookkeeping.limits.isCheckDue { checkLimits() }
        switch bookkeeping.limits.excess {
        case nil: return nil
        case .stalled(let limit):
            return ClientError(.timedOut, "no bytes were sent or received for \(limit) (stallTimeout) while \(phase)")
        case .withoutHead(let limit):
            return ClientError(
                .timedOut, "no complete head of a response was received for \(limit) (10 times stallTimeout)")
        case .exceeded(let limit):
            return ClientError(
                .timedOut, "the request took longer than \(limit) (requestTimeout) and was aborted while \(phase)")
        }
    }

    private func checkLimits() {
        let headerBytes = download.status == nil ? easy.long(CURLINFO_HEADER_SIZE) : 0
        bookkeeping.limits.check(bytesMoved: bytesMoved, headerBytes: Int64(headerBytes))
    }

    /// Bytes sent and received; nil while connecting. Sent bytes count when the peer's kernel has acknowledged them: the
    /// own kernel buffers megabytes, which a slow network may need minutes for.
    private var bytesMoved: Int64? {
        guard !isConnecting else { return nil }
        let sent = easy.offset(CURLINFO_SIZE_UPLOAD_T) - (easy.sockets.unacknowledged ?? 0)
        return sent + easy.offset(CURLINFO_SIZE_DOWNLOAD_T) + Int64(easy.long(CURLINFO_HEADER_SIZE))
    }

    /// Whether no byte of the request has been sent.
    var isConnecting: Bool { !bookkeeping.hasBegun || easy.long(CURLINFO_REQUEST_SIZE) == 0 }

    /// What the transfer is doing, for error messages.
    private var phase: String {
        if isConnecting { return "connecting" }
        let isSent = machine.upload == .complete && easy.offset(CURLINFO_SIZE_UPLOAD_T) >= upload.body.offset
        if !isSent, machine.upload != .stopped { return "sending" }
        return machine.download == .awaitingHead ? "waiting for the response" : "receiving the response"
    }
}
