internal import Platform

// The descriptors that the agent watches besides libcurl's sockets: sources that have no bytes yet, and the sockets of
// transfers that are paused.
//
// The latter is a workaround. Symptom: while sending is paused, libcurl does not notice that the peer closes the connection.
// Versions: up to 8.8 (fixed step by step from 8.5.0 to 8.9.0).

extension AgentLoop {
    /// Watches the descriptors that the transfer waits for now, and stops watching its other ones.
    func watch(_ transfer: Transfer) {
        let isRunning = transfer.isRunning
        let mustWatch = isRunning && transfer.machine.mustWatchForHangUp && transfer.watching.nextPeek == nil
        let socket = mustWatch ? transfer.easy.sockets.current : nil
        watch(socket, insteadOf: &transfer.watching.socket, for: transfer)
        watch(isRunning ? transfer.awaitedDescriptor : nil, insteadOf: &transfer.watching.source, for: transfer)
    }

    private func watch(_ descriptor: Int32?, insteadOf previous: inout Int32?, for transfer: Transfer) {
        guard descriptor != previous else { return }
        // The descriptor of a closed socket may belong to another transfer now.
        if let previous, watchers[previous] === transfer {
            watchers[previous] = nil
            multi.watch(previous, false)
        }
        previous = descriptor
        guard let descriptor else { return }
        watchers[descriptor] = transfer
        multi.watch(descriptor, true)
    }

    func becameReadable(_ descriptor: Int32, _ transfer: Transfer) {
        pending.add(transfer)
        if descriptor == transfer.watching.source {
            transfer.contentArrived()
        } else {
            checkForHangUp(transfer)
        }
    }

    /// Ends or restarts a paused transfer whose connection was closed by the peer.
    func checkForHangUp(_ transfer: Transfer) {
        // libcurl may have ended the transfer.
        guard running[transfer.easy.raw] === transfer, transfer.machine.mustWatchForHangUp else {
            transfer.watching.nextPeek = nil
            return
        }
        let peek = transfer.easy.sockets.peek()
        switch peek {
        case .nothing:
            transfer.watching.nextPeek = nil
            return
        case .bytes(isHungUp: false):
            // libcurl has the whole response and will not read these bytes. Watching the socket would wake the thread again
            // and again, so it is checked every 100 ms instead.
            transfer.watching.nextPeek = .now + .milliseconds(100)
            return
        case .bytes(isHungUp: true), .hangUp:
            break
        }
        if transfer.isResponseComplete(isHungUp: peek == .hangUp(isOrderly: true)) {
            transfer.end(nil)
            return remove(transfer)
        }
        if transfer.rewindOnDeadConnection() { return restart(transfer) }
        transfer.upload.failure = ClientError(
            .connectionLost, "the server closed the connection while the request was open"
        )
        transfer.perform(transfer.machine.uploadFailed())
    }
}
