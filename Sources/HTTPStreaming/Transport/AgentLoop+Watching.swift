/// Descriptors that are waited for besides what libcurl waits for: sources that have nothing yet, and the sockets of
/// transfers that are paused, whose end libcurl would not see.
extension AgentLoop {
    /// Waits for what the transfer wants to be waited for now, and for nothing else of it.
    func watch(_ transfer: Transfer) {
        let isRunning = transfer.isRunning
        let mustWatch = isRunning && transfer.machine.mustWatchForHangUp && transfer.looksAgainAt == nil
        watch(transfer, mustWatch ? transfer.easy.socket : nil, insteadOf: \.watchedSocket)
        watch(transfer, isRunning ? transfer.awaitedDescriptor : nil, insteadOf: \.watchedSource)
    }

    private func watch(
        _ transfer: Transfer, _ descriptor: Int32?, insteadOf path: ReferenceWritableKeyPath<Transfer, Int32?>
    ) {
        let previous = transfer[keyPath: path]
        guard descriptor != previous else { return }
        transfer[keyPath: path] = descriptor
        // A socket that was closed may have given its number to another transfer's.
        if let previous, watchers[previous] === transfer {
            watchers[previous] = nil
            multi.watch(previous, false)
        }
        if let descriptor {
            watchers[descriptor] = transfer
            multi.watch(descriptor, true)
        }
    }

    func becameReadable(_ descriptor: Int32, _ transfer: Transfer) {
        agenda.add(transfer)
        if descriptor == transfer.watchedSource {
            transfer.contentArrived()
        } else {
            lookForHangUp(transfer)
        }
    }

    func lookForHangUp(_ transfer: Transfer) {
        // libcurl may have ended it.
        guard running[transfer.easy.raw] === transfer, transfer.machine.mustWatchForHangUp else {
            transfer.looksAgainAt = nil
            return
        }
        // What libcurl does not read would wake the thread for ever: it has an answer whole, and
        // these bytes are none of its. The end behind them can be looked for now and then only.
        let peek = transfer.easy.peek()
        switch peek {
        case .nothing:
            transfer.looksAgainAt = nil
            return
        case .bytes(isHungUp: false):
            transfer.looksAgainAt = .now + .milliseconds(100)
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
        transfer.failure = ClientError(
            .connectionLost, "the server closed the connection while the request was open"
        )
        transfer.perform(transfer.machine.uploadFailed())
    }
}
