internal import CCurl
internal import Platform

/// The state and the work of an agent: the libcurl handles and the transfers, which only one thread at a time may use.
final class AgentLoop {
    /// What the agent keeps of a client between its requests.
    private final class Connection {
        let easy: EasyHandle
        let bucket = TokenBucket()
        var current: Transfer?
        /// The next request, which waits until the current response has ended.
        var queued: (id: TransferID, request: TransferRequest, waiter: Waiter)?
        /// When a response that is not read any more must have ended.
        var deadline: Instant?

        init(_ multi: MultiHandle) throws(CurlError) {
            easy = try EasyHandle(SocketTracker(onOpen: multi.opened, onClose: multi.closing))
        }
    }

    /// How long a response that is not read any more may continue before its connection is closed, so that the next
    /// request can begin.
    private static let drainTime = Duration.seconds(2)

    let agent: Agent
    let multi: MultiHandle
    private var connections: [UInt64: Connection] = [:]
    /// The transfers in the multi handle, by easy handle.
    var running: [UnsafeMutableRawPointer: Transfer] = [:]
    /// The running transfers that libcurl has not begun yet.
    var added: [Transfer] = []
    /// The running transfers whose wait for a 100 may never end; see ``Transfer/isExpectationStalled``.
    var stalledExpectations: [UnsafeMutableRawPointer: Transfer] = [:]
    let pending = PendingTransfers()
    /// When running transfers have something to do.
    var timers = TimerQueue<UnsafeMutableRawPointer>()
    /// The transfers that wait until a descriptor is readable.
    var watchers: [Int32: Transfer] = [:]
    /// The connections that have a deadline.
    private var draining: Set<UInt64> = []

    init(_ agent: Agent, _ multi: MultiHandle) {
        self.agent = agent
        self.multi = multi
    }

    /// Runs a turn: passes events to libcurl, handles timers and messages, and resumes callers. Never waits.
    ///
    /// - Parameter events: from the poller; nil if it was not asked.
    /// - Returns: when the next turn is due; nil if only an event or a message makes one necessary.
    func runTurn(_ events: [Poller.Event]?) -> Instant? {
        let readable = events.map(multi.act) ?? []
        perform()
        // Before hang-ups are checked: libcurl may have received a response before the end of the connection.
        handleResults()
        for descriptor in readable { watchers[descriptor].map { becameReadable(descriptor, $0) } }
        performTimers()
        for message in agent.takeMessages() { receive(message) }
        perform()
        multi.actOnWritable()
        handleResults()
        enforceDeadlines()
        wakeStalledExpectations()
        multi.updatePoller()
        if events != nil { multi.clearRecentlyOpened() }
        guard agent.mayWait() else { return .now }
        let time = Instant.earlier(timers.next, multi.timer)
        let mustTick = !draining.isEmpty || !stalledExpectations.isEmpty
        return mustTick ? .earlier(time, .now + .milliseconds(100)) : time
    }

    private func perform() {
        multi.perform()
        for transfer in added { transfer.bookkeeping.hasBegun = true }
        added.removeAll(keepingCapacity: true)
    }

    /// Ends the transfers that libcurl has ended, and updates those that callbacks or messages have changed.
    private func handleResults() {
        while let (easy, code) = multi.nextDone() { finish(easy, code) }
        while case let transfers = pending.take(), !transfers.isEmpty {
            for transfer in transfers {
                transfer.watching.isPending = false
                guard transfer.isRunning else { continue }
                transfer.resumeCaller()
                transfer.perform(transfer.machine.answerRead())
                if transfer.isExpectationStalled { stalledExpectations[transfer.easy.raw] = transfer }
                performTimer(of: transfer)
            }
        }
    }

    // MARK: Messages

    private func receive(_ message: Message) {
        switch message {
        case .start(let id, let request, let waiter):
            start(id, request, waiter)
        case .partsAdded(let id, let waiter):
            guard let transfer = transfer(id) else {
                return waiter.fail(ClientError(.nothingOpen, "there is no open request"))
            }
            takeMemory(transfer.demandOfAddedParts, for: transfer, then: .partsAdded(waiter))
        case .granted(let id, let grant):
            guard let transfer = transfer(id), let step = transfer.takeStep() else { return }
            perform(step, of: transfer, with: grant)
        case .cancel(let id):
            cancel(id)
        case .cancelAll(let id):
            guard let connection = connections[id] else { return }
            // First, because the queued request begins when the current one ends.
            connection.queued.take()?.waiter.fail(.cancelled())
            if let transfer = connection.current { abort(transfer, .cancelled()) }
        case .controlChanged(let id):
            guard let transfer = connections[id]?.current, transfer.isRunning else { return }
            pending.add(transfer)
            transfer.perform(transfer.machine.controlChanged(isHeld: transfer.upload.control.isPaused))
        case .contentArrived(let id):
            transfer(id)?.contentArrived()
        case .contentConsumed(let id):
            guard let transfer = transfer(id), transfer.isRunning else { return }
            transfer.perform(transfer.machine.contentConsumed())
        case .contentAbandoned(let id):
            guard let transfer = transfer(id) else { return }
            guard transfer.isRunning else {
                // Releases the content buffer: its reader is gone.
                connections[id.connection]?.current = nil
                return
            }
            transfer.perform(transfer.machine.contentAbandoned())
            drain(id.connection)
        case .release(let id):
            guard let connection = connections.removeValue(forKey: id) else { return }
            if let transfer = connection.current { abort(transfer, .cancelled()) }
        }
    }

    private func transfer(_ id: TransferID) -> Transfer? {
        guard let transfer = connections[id.connection]?.current, transfer.id == id else { return nil }
        // The message changes the transfer.
        pending.add(transfer)
        return transfer
    }

    private func start(_ id: TransferID, _ request: TransferRequest, _ waiter: Waiter) {
        do throws(CurlError) {
            let connection = try connection(id.connection)
            if let previous = connection.current, previous.isRunning {
                connection.queued = (id, request, waiter)
                drain(id.connection)
            } else {
                begin(id, request, waiter, on: connection)
            }
        } catch {
            waiter.fail(ClientError(error))
        }
    }

    private func connection(_ id: UInt64) throws(CurlError) -> Connection {
        if let connection = connections[id] { return connection }
        let connection = try Connection(multi)
        connections[id] = connection
        return connection
    }

    private func begin(
        _ id: TransferID, _ request: TransferRequest, _ waiter: Waiter, on connection: Connection
    ) {
        connection.current = nil
        let agent = agent
        let transfer = Transfer(
            id: id, request: request, easy: connection.easy, bucket: connection.bucket, waiter: waiter, pending: pending
        ) {
            agent.post(.contentArrived(id))
        }
        connection.current = transfer
        takeMemory(transfer.demand(of: request), for: transfer, then: .start(request))
    }

    private func cancel(_ id: TransferID) {
        guard let connection = connections[id.connection] else { return }
        if let queued = connection.queued, queued.id == id {
            connection.queued = nil
            queued.waiter.fail(.cancelled())
        } else if let transfer = connection.current, transfer.id == id {
            abort(transfer, .cancelled())
        }
    }

    // MARK: Ends

    private func finish(_ easy: UnsafeMutableRawPointer, _ code: CURLcode) {
        guard let transfer = running[easy] else { return }
        let mayBeDead = code == CURLE_SEND_ERROR && transfer.easy.sockets.unread.isEmpty
        if mayBeDead, transfer.rewindOnDeadConnection() { return restart(transfer) }
        let isRefused = code == CURLE_WRITE_ERROR && transfer.isRefusedInMidBody
        if isRefused, transfer.rewindWithoutExpectation() { return restart(transfer) }
        transfer.finished(isRefused ? CURLE_OK : code)
        remove(transfer)
    }

    /// Makes libcurl begin a transfer again, on a new connection.
    func restart(_ transfer: Transfer) {
        multi.remove(transfer.easy)
        do throws(CurlError) {
            try multi.add(transfer.easy)
        } catch {
            abort(transfer, ClientError(error))
        }
    }

    /// Aborts a transfer, which closes its connection.
    func abort(_ transfer: Transfer, _ error: ClientError) {
        guard transfer.isRunning else { return }
        transfer.end(error)
        remove(transfer)
    }

    /// Removes a transfer that has ended, and begins the next request of its client.
    func remove(_ transfer: Transfer) {
        // It is not running yet if it waited for memory.
        if running.removeValue(forKey: transfer.easy.raw) != nil {
            watch(transfer)
            timers.set(nil, for: transfer.easy.raw)
            multi.remove(transfer.easy)
        }
        transfer.easy.callbacks = nil
        transfer.releaseMemory()
        guard let connection = connections[transfer.id.connection] else { return }
        // A request to which parts are added is kept: the call that adds the next one gets its result.
        if !transfer.bookkeeping.isAwaitedLater { connection.current = nil }
        connection.deadline = nil
        draining.remove(transfer.id.connection)
        guard let next = connection.queued.take() else { return }
        begin(next.id, next.request, next.waiter, on: connection)
    }

    /// Sets a deadline for the response on a connection to end.
    private func drain(_ id: UInt64) {
        guard let connection = connections[id], connection.deadline == nil else { return }
        connection.deadline = .now + Self.drainTime
        draining.insert(id)
    }

    private static var discarded: ClientError {
        ClientError(.responseDiscarded, "the content of the response was not read before the next request")
    }

    /// Ends responses that delay the client's next request: content that does not fit into the buffer is discarded, and a
    /// response that does not end in time is aborted.
    private func enforceDeadlines() {
        for id in draining {
            guard let connection = connections[id], let transfer = connection.current,
                let deadline = connection.deadline
            else {
                draining.remove(id)
                continue
            }
            if transfer.machine.isDownloadPaused {
                transfer.download.content.fail(Self.discarded, keepingChunks: false)
                transfer.perform(transfer.machine.contentAbandoned())
            }
            if deadline < .now { abort(transfer, Self.discarded) }
        }
    }
}
