internal import Platform

/// Descriptors that are waited for besides what libcurl waits for: sources that have nothing yet, and the sockets of
/// transfers that are paused, whose end libcurl would not see.
extension AgentLoop {
    /// Waits for what the transfer wants to be waited for now, and for nothing else of it.
    func watch(_ transfer: Transfer) {
        let isRunning = transfer.isRunning
        let mustWatch = isRunning && transfer.machine.mustWatchForHangUp && transfer.watching.looksAgainAt == nil
        let socket = mustWatch ? transfer.easy.socket : nil
        if socket != transfer.watching.socket {
            stopWatching(transfer.watching.socket, for: transfer)
            transfer.watching.socket = socket
            beginWatching(socket, for: transfer)
        }
        let source = isRunning ? transfer.awaitedDescriptor : nil
        if source != transfer.watching.source {
            stopWatching(transfer.watching.source, for: transfer)
            transfer.watching.source = source
            beginWatching(source, for: transfer)
        }
    }

    private func stopWatching(_ descriptor: Int32?, for transfer: Transfer) {
        // A socket that was closed may have given its number to another transfer's.
        guard let descriptor, watchers[descriptor] === transfer else { return }
        watchers[descriptor] = nil
        multi.watch(descriptor, false)
    }

    private func beginWatching(_ descriptor: Int32?, for transfer: Transfer) {
        guard let descriptor else { return }
        watchers[descriptor] = transfer
        multi.watch(descriptor, true)
    }

    func becameReadable(_ descriptor: Int32, _ transfer: Transfer) {
        pending.add(transfer)
        if descriptor == transfer.watching.source {
            transfer.contentArrived()
        } else {
            lookForHangUp(transfer)
        }
    }

    func lookForHangUp(_ transfer: Transfer) {
        // libcurl may have ended it.
        guard running[transfer.easy.raw] === transfer, transfer.machine.mustWatchForHangUp else {
            transfer.watching.looksAgainAt = nil
            return
        }
        // What libcurl does not read would wake the thread for ever: it has an answer whole, and
        // these bytes are none of its. The end behind them can be looked for now and then only.
        let peek = transfer.easy.peek()
        switch peek {
        case .nothing:
            transfer.watching.looksAgainAt = nil
            return
        case .bytes(isHungUp: false):
            transfer.watching.looksAgainAt = .now + .milliseconds(100)
            return
        case .bytes(isHungUp: true), .hangUp:
            break
        }
        if transfer.isResponseComplete(isHungUp: peek == .hangUp(isOrderly: true)) {
            // The peer has gone, behind all that it had to say.
            transfer.endedBehindResponse()
            return takeOut(transfer)
        }
        if transfer.restart() { return addAgain(transfer) }
        transfer.upload.failure = ClientError(
            .connectionLost, "the server closed the connection while the request was open"
        )
        transfer.perform(transfer.machine.uploadFailed())
    }
}
