/// What happens because time has passed.
extension AgentLoop {
    /// Ends the transfers whose time is over, and has the others do what is due.
    ///
    /// - Returns: when to look again; nil if nothing waits for time to pass.
    func passTime() -> ContinuousClock.Instant? {
        let now = ContinuousClock.now
        var next: ContinuousClock.Instant?
        for transfer in running.values {
            if let error = transfer.timeLimitExceeded(at: now) {
                abort(transfer, error)
            } else if let time = transfer.passTime(now) {
                next = min(next ?? time, time)
            }
        }
        return next
    }

    /// How long poll(2) is to wait; a minute at most.
    static func milliseconds(until time: ContinuousClock.Instant?) -> Int32 {
        guard let time else { return 60_000 }
        // Rounded up: who wakes too early has to wait once more.
        return Int32(max(0, min((time - .now) / .milliseconds(1) + 1, 60_000)))
    }
}
