internal import CCurl
internal import Platform

/// What an agent does, and all that only one thread at a time may touch: libcurl, and what it calls.
final class AgentLoop {
    /// What is kept of a client between its requests.
    private final class Connection {
        let easy: EasyHandle
        let bucket = TokenBucket()
        var current: Transfer?
        /// The next request, waiting for the response before it to end.
        var queued: (id: TransferID, request: TransferRequest, waiter: Waiter)?
        /// When a response that nobody reads any more must have ended.
        var deadline: Instant?

        init(_ multi: MultiHandle) throws(CurlError) {
            easy = try EasyHandle(SocketTracker(onOpen: multi.opened, onClose: multi.closing))
        }
    }

    /// How long a response that nobody reads any more may go on arriving before its connection
    /// is given up, so that the next request can begin.
    private static let drainTime = Duration.seconds(2)

    let agent: Agent
    let multi: MultiHandle
    private var connections: [UInt64: Connection] = [:]
    /// The transfers that libcurl works on, by easy handle.
    var running: [UnsafeMutableRawPointer: Transfer] = [:]
    /// Those of them that libcurl has not looked at yet.
    var added: [Transfer] = []
    /// Those of them that libcurl may have forgotten; see ``Transfer/mayBeForgotten``.
    var forgotten: [UnsafeMutableRawPointer: Transfer] = [:]
    let pending = PendingTransfers()
    /// When to look at which of them again.
    var timers = TimerQueue<UnsafeMutableRawPointer>()
    /// Who wants to know when a descriptor can be read.
    var watchers: [Int32: Transfer] = [:]
    /// The connections that have a deadline.
    private var draining: Set<UInt64> = []

    init(_ agent: Agent, _ multi: MultiHandle) {
        self.agent = agent
        self.multi = multi
    }

    /// Does all that there is to do, and never waits.
    ///
    /// - Parameter events: what has been found ready; nil where nobody has looked.
    /// - Returns: when there is more to do; nil if only events or messages bring it.
    func turn(_ events: [Poller.Event]?) -> Instant? {
        let readable = events.map(multi.act) ?? []
        perform()
        // libcurl first: there may be an answer before the end.
        followUp()
        for descriptor in readable { watchers[descriptor].map { becameReadable(descriptor, $0) } }
        passTime()
        for message in agent.takeMessages() { receive(message) }
        perform()
        followUp()
        enforceDeadlines()
        nudgeForgotten()
        if events != nil { multi.trustOpened() }
        guard agent.mayWait() else { return .now }
        let time = Instant.earlier(timers.next, multi.timer)
        let mustTick = !draining.isEmpty || !forgotten.isEmpty
        return mustTick ? .earlier(time, .now + .milliseconds(100)) : time
    }

    private func perform() {
        multi.perform()
        for transfer in added { transfer.bookkeeping.hasBegun = true }
        added.removeAll(keepingCapacity: true)
    }

    /// Does what libcurl's turn has brought, or a message.
    private func followUp() {
        while let (easy, code) = multi.nextDone() { finish(easy, code) }
        while case let transfers = pending.take(), !transfers.isEmpty {
            for transfer in transfers {
                transfer.watching.isPending = false
                guard transfer.isRunning else { continue }
                transfer.settle()
                transfer.perform(transfer.machine.answerRead())
                if transfer.mayBeForgotten { forgotten[transfer.easy.raw] = transfer }
                passTime(transfer)
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
            provide(transfer.demandOfAddedParts, for: transfer, to: .partsAdded(waiter))
        case .granted(let id, let grant):
            guard let transfer = transfer(id), let step = transfer.takeStep() else { return }
            go(on: transfer, step, with: grant)
        case .cancel(let id):
            cancel(id)
        case .cancelAll(let id):
            guard let connection = connections[id] else { return }
            // First, or it would begin.
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
                // Nobody asks for it any more: its buffer goes with it.
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
        // Something is about to happen to it.
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
        provide(transfer.demand(of: request), for: transfer, to: .start(request))
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
        // libcurl begins again by itself where it was reading that found the connection dead.
        if code == CURLE_SEND_ERROR, transfer.easy.unread.isEmpty, transfer.restart() { return addAgain(transfer) }
        let isRefused = code == CURLE_WRITE_ERROR && transfer.isRefusedInMidBody
        if isRefused, transfer.restartWithoutExpectation() { return addAgain(transfer) }
        transfer.finished(isRefused ? CURLE_OK : code)
        takeOut(transfer)
    }

    /// Has libcurl begin a transfer again, on a new connection.
    func addAgain(_ transfer: Transfer) {
        multi.remove(transfer.easy)
        do throws(CurlError) {
            try multi.add(transfer.easy)
        } catch {
            abort(transfer, ClientError(error))
        }
    }

    /// Taking an incomplete transfer out of the multi handle closes its connection.
    func abort(_ transfer: Transfer, _ error: ClientError) {
        guard transfer.isRunning else { return }
        transfer.aborted(error)
        takeOut(transfer)
    }

    /// What has ended is libcurl's no more, nor anybody's; the next one begins.
    func takeOut(_ transfer: Transfer) {
        // It may have been waiting to begin.
        if running.removeValue(forKey: transfer.easy.raw) != nil {
            watch(transfer)
            timers.set(nil, for: transfer.easy.raw)
            multi.remove(transfer.easy)
        }
        transfer.easy.callbacks = nil
        transfer.releaseMemory()
        // Of a request that was open, a later part or the end is told how it has ended.
        if !transfer.bookkeeping.isOpenEnded { connections[transfer.id.connection]?.current = nil }
        proceed(transfer.id)
    }

    /// Begins the request that waited for this one.
    private func proceed(_ ended: TransferID) {
        guard let connection = connections[ended.connection] else { return }
        connection.deadline = nil
        draining.remove(ended.connection)
        guard let next = connection.queued.take() else { return }
        begin(next.id, next.request, next.waiter, on: connection)
    }

    /// Gives the response on a connection some time to end.
    private func drain(_ id: UInt64) {
        guard let connection = connections[id], connection.deadline == nil else { return }
        connection.deadline = .now + Self.drainTime
        draining.insert(id)
    }

    private static var discarded: ClientError {
        ClientError(.responseDiscarded, "the content of the response was not read before the client's next request")
    }

    /// A response may not keep the client's next request waiting: what does not fit into its
    /// buffer is thrown away, and if it does not end in time, its connection is closed.
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
