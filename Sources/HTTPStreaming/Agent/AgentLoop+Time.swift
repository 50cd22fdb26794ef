internal import Platform

/// The timers of transfers: time limits, rate limits, heartbeats, progress.
extension AgentLoop {
    /// Performs all timers that are due.
    func performTimers() {
        let now = Instant.now
        while let easy = timers.pop(at: now) {
            guard let transfer = running[easy] else { continue }
            performTimer(of: transfer)
        }
    }

    /// Aborts a transfer that has exceeded a time limit; otherwise performs what is due and sets its next timer.
    func performTimer(of transfer: Transfer) {
        guard running[transfer.easy.raw] === transfer else { return }
        let now = Instant.now
        if let time = transfer.watching.nextPeek, time <= now {
            checkForHangUp(transfer)
            guard running[transfer.easy.raw] === transfer else { return }
        }
        if let error = transfer.timeLimitExceeded(at: now) { return abort(transfer, error) }
        timers.set(transfer.performTimer(at: now), for: transfer.easy.raw)
        watch(transfer)
    }
}
