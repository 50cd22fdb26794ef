extension Client {
    /// Begins a request of the client's URL, or adds to the open one, and suspends until the parts have been sent, or
    /// there is an answer.
    nonisolated(nonsending) func add(
        _ parts: [Part], isLast: Bool, _ call: CallQueue.Call, _ progress: (@Sendable (UploadProgress) -> Void)?
    ) async throws(ClientError) -> (outcome: Waiter.Outcome, exchange: Exchange) {
        guard let target else { throw ClientError(.invalidConfiguration, "the client was made without a URL") }
        try ClientError.require(target.method != .head || parts.isEmpty, "a HEAD request takes no parts")
        let open = try openRequest()
        let form =
            open?.form
            ?? MultipartSource(
                isOpenEnded: !isLast,
                replayBudget: configuration.resumption.isEnabled
                    ? MultipartSource.resumptionBudget : MultipartSource.replayBudget)
        // If this fails, an open request stays as it was.
        let prepared = try await Preparation.run(configuration, Preparation.Blocking(of: parts)) {
            (preparation) throws(ClientError) in try form.prepare(parts, preparation)
        }
        // A server that has refused the request takes no more parts.
        form.append(open?.isRefused == true ? [] : prepared, isLast: isLast)
        let exchange: Exchange
        if let open {
            exchange = open
        } else {
            exchange = try await begin(
                target, form, hasBody: target.method.impliesBody || !parts.isEmpty || !isLast, isWhole: isLast)
        }
        return try await run(exchange, isNew: open == nil, call, progress)
    }

    private nonisolated(nonsending) func begin(
        _ target: (method: Method, url: String), _ form: MultipartSource, hasBody: Bool, isWhole: Bool
    ) async throws(ClientError) -> Exchange {
        var request = PreparedRequest(
            method: target.method, url: target.url, contentType: hasBody ? form.mediaType : nil,
            contentEncoding: hasBody ? configuration.contentCoding.token : nil,
            source: hasBody ? configuration.contentCoding.encoding(form) : nil)
        try await request.addDigest(configuration.digest, isWhole: isWhole)
        var exchange = Exchange(id: nextID(), request, form: form, settings, progressHub, control)
        try await exchange.openJournal(isWhole: isWhole)
        return exchange
    }

    /// Suspends until the exchange has got as far as it can, and sends it again where that is called for.
    ///
    /// - Parameter isNew: whether the agent does not know the request yet.
    nonisolated(nonsending) func run(
        _ exchange: Exchange, isNew: Bool, _ call: CallQueue.Call, _ progress: (@Sendable (UploadProgress) -> Void)?
    ) async throws(ClientError) -> (outcome: Waiter.Outcome, exchange: Exchange) {
        var exchange = exchange
        do throws(ClientError) {
            let outcome = try await exchange.counter.reporting(to: progress) { () throws(ClientError) in
                try await run(&exchange, isNew: isNew, call)
            }
            // A call that was cancelled at the moment of its success ends the request: the next call, perhaps of
            // another task, must not add to it.
            let isOpen = !exchange.isFinished
            let isCancelled = isOpen && (Task.isCancelled || call.isCancelled)
            setOpenRequest(isOpen && !isCancelled ? exchange : nil)
            if case .answered(let answer) = outcome, !exchange.leavesUpload(answer) {
                await exchange.session?.journal?.remove()
            }
            if isCancelled {
                connection.agent.post(.cancel(exchange.id))
                throw ClientError.cancelled(bytesSent: outcome.bytesSent)
            }
            return (outcome, exchange)
        } catch {
            setOpenRequest(nil)
            if exchange.session?.journal == nil, Self.endsUpload(error.code) { delete(exchange) }
            if let failure = exchange.session?.journal?.failure { throw error.adding(failure.message) }
            throw error
        }
    }

    /// Whether an upload cannot be continued after this error, or is not to be.
    private static func endsUpload(_ code: ClientError.Code) -> Bool {
        [.cancelled, .sourceUnreadable, .sourceChanged, .cannotSendAgain, .resumptionFailed].contains(code)
    }

    /// Has the server delete the unfinished upload of a request, if there is one. Waits for nothing.
    func delete(_ exchange: Exchange) {
        guard let deletion = exchange.deletion, let connection = try? ConnectionHandle() else { return }
        // A connection of its own does not disturb the next request; the waiter keeps it open.
        let waiter = Waiter(.answer) { [connection] _ in _ = connection }
        connection.agent.post(.start(TransferID(connection: connection.id, serial: 1), deletion, waiter))
    }

    private nonisolated(nonsending) func run(
        _ exchange: inout Exchange, isNew: Bool, _ call: CallQueue.Call
    ) async throws(ClientError) -> Waiter.Outcome {
        var mustStart = isNew
        while true {
            let next: Exchange.Next
            do throws(ClientError) {
                let outcome = try await perform(exchange, starting: mustStart, call)
                guard case .answered(let answer) = outcome else { return outcome }
                do {
                    guard let again = try exchange.next(after: answer) else { return outcome }
                    next = again
                    exchange.reportRetry(next, "status \(answer.status)")
                } catch {
                    connection.agent.post(.contentAbandoned(exchange.id))
                    throw error
                }
                connection.agent.post(.contentAbandoned(exchange.id))
            } catch {
                next = try exchange.next(after: error)
                exchange.reportRetry(next, error.description)
            }
            exchange = try await call.run { [exchange, id = nextID()] () throws(ClientError) in
                var exchange = exchange
                try await exchange.begin(next, id: id)
                return exchange
            }
            mustStart = true
        }
    }

    /// - Parameter starting: whether a try begins; otherwise the agent is told that parts were added.
    private nonisolated(nonsending) func perform(
        _ exchange: Exchange, starting: Bool, _ call: CallQueue.Call
    ) async throws(ClientError) -> Waiter.Outcome {
        let (agent, id) = (connection.agent, exchange.id)
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = Waiter(exchange.goal) { continuation.resume(returning: $0) }
                let message =
                    starting
                    ? Message.start(id, exchange.transferRequest(), waiter) : .partsAdded(id, waiter)
                agent.post(message, mayRunTurn: true)
                // The handler below, or cancel(), may have run before there was anything to cancel.
                if Task.isCancelled || call.isCancelled { agent.post(.cancel(id)) }
            }
        } onCancel: {
            agent.post(.cancel(id))
        }.get()
    }
}
