internal import Platform

/// What happens because time has passed.
extension AgentLoop {
    /// Has the transfers whose time has come do what is due.
    func passTime() {
        let now = Instant.now
        while let easy = timers.pop(at: now) {
            guard let transfer = running[easy] else { continue }
            passTime(transfer)
        }
    }

    /// Ends a transfer whose time is over, or has it do what is due, and notes what it waits for.
    func passTime(_ transfer: Transfer) {
        guard running[transfer.easy.raw] === transfer else { return }
        let now = Instant.now
        if let time = transfer.watching.looksAgainAt, time <= now {
            lookForHangUp(transfer)
            guard running[transfer.easy.raw] === transfer else { return }
        }
        if let error = transfer.timeLimitExceeded(at: now) { return abort(transfer, error) }
        timers.set(transfer.passTime(now), for: transfer.easy.raw)
        watch(transfer)
    }
}
