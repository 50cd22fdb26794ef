internal import CCurl
internal import Platform

/// What a transfer does because time has passed.
extension Transfer {
    /// Does what is due.
    ///
    /// - Returns: when to look again; nil if nothing here waits for time to pass.
    func passTime(_ now: Instant) -> Instant? {
        perform(machine.timePassed(now))
        var time = Instant.earlier(sendHeartbeat(at: now), reportProgress(at: now))
        time = .earlier(time, bookkeeping.limits.deadline)
        if case .throttled(let end) = machine.upload { time = .earlier(time, end) }
        return .earlier(time, watching.looksAgainAt)
    }

    /// Why the transfer must end, if it must: counts the time since the last call as what it was
    /// spent on.
    func timeLimitExceeded(at now: Instant) -> ClientError? {
        bookkeeping.limits.advance(to: now, isCounting: machine.waitsForPeer)
        if bookkeeping.limits.mustLook { bookkeeping.limits.looked(bytesMoved: bytesMoved) }
        switch bookkeeping.limits.excess {
        case nil: return nil
        case .stalled(let limit):
            return ClientError(.timedOut, "nothing was moved for \(limit) (stallTimeout) while \(phase)")
        case .exceeded(let limit):
            return ClientError(
                .timedOut, "the request took longer than \(limit) (requestTimeout): it ended while \(phase)")
        }
    }

    /// In both directions; nil while connecting. What is sent counts when the peer has it: a kernel's
    /// buffer takes megabytes which a slow network needs minutes for, or never gets rid of.
    private var bytesMoved: Int64? {
        guard !isConnecting else { return nil }
        let sent = easy.offset(CURLINFO_SIZE_UPLOAD_T) - (easy.unacknowledged ?? 0)
        return sent + easy.offset(CURLINFO_SIZE_DOWNLOAD_T) + Int64(easy.long(CURLINFO_HEADER_SIZE))
    }

    /// Whether not a byte of the request has been sent.
    private var isConnecting: Bool { !bookkeeping.hasBegun || easy.long(CURLINFO_REQUEST_SIZE) == 0 }

    /// What is waited for, in words.
    private var phase: String {
        if isConnecting { return "connecting" }
        let isSent = machine.upload == .complete && easy.offset(CURLINFO_SIZE_UPLOAD_T) >= upload.body.offset
        if !isSent, machine.upload != .stopped { return "sending" }
        return machine.download == .awaitingHead ? "waiting for the answer" : "waiting for the answer's download.content"
    }
}
