/// Continuing an upload that the server keeps; see ``ResumableUpload``.
extension Exchange {
    /// What follows a request of an upload.
    enum Continuation {
        /// The result of the request is that of the exchange.
        case result
        case next(Next)
    }

    /// How an upload that the server keeps continues after an answer; nil if the rules for other requests apply.
    mutating func continuation(after answer: TransferResponse) throws(ClientError) -> Continuation? {
        guard let session else { return nil }
        guard let location = session.location else {
            return try created(answer) ?? renegotiation(after: answer).map { .next($0) }
        }
        switch (answer.status, session.machine.state) {
        // The request itself is redirected: the first server's upload is none.
        case (307, .creating), (308, .creating):
            session.record.reset()
            return nil
        case (307, _), (308, _):
            guard mayFollow,
                let reference = answer.encodedLocation ?? answer.headerFields.values(of: "Location").first,
                let target = CurlURL.resolve(reference, against: location),
                CurlURL.origin(of: target) == CurlURL.origin(of: location)
            else { return .result }
            follow(answer.status, to: target)
            session.record.moved(to: target)
            return .next(.delayed(.zero))
        default:
            let offset = session.dialect.offset(in: answer.headerFields)
            if let offset { session.record.acknowledged(offset) }
            return try continuation(after: .answered(read(answer, session)), answer.headerFields)
        }
    }

    private func read(_ answer: TransferResponse, _ session: UploadSession) -> UploadAnswer {
        session.dialect.answer(
            status: answer.status, answer.headerFields, length: countedLength ?? request.source?.length)
    }

    /// Whether the upload can still be continued after this result of the exchange.
    func leavesUpload(_ answer: TransferResponse) -> Bool { session.map { read(answer, $0).leavesUpload } ?? false }

    /// How an upload that the server keeps continues after a failure; nil if the rules for other requests apply.
    mutating func continuation(after error: ClientError) throws(ClientError) -> Continuation? {
        // A response that is not valid counts as a lost one.
        guard session?.location != nil, Client.Retry.covers(error.code) || error.code == .invalidResponse else {
            return nil
        }
        session?.interruption = error
        return try continuation(after: .interrupted)
    }

    /// - Parameter fields: of the answer.
    private mutating func continuation(
        after event: ResumableUpload.Event, _ fields: HeaderFields = [:]
    ) throws(ClientError) -> Continuation? {
        guard let circumstances, let action = session?.machine.next(after: event, circumstances) else { return nil }
        switch action {
        case .finish:
            return .result
        case .fail(let reason):
            var refusal: StatusError?
            if case .answered(let answer) = event, !(200...299).contains(answer.status) {
                refusal = StatusError(status: answer.status, headerFields: fields, content: [])
            }
            throw ClientError(
                .resumptionFailed, "the upload was interrupted and cannot be continued: \(reason)",
                underlying: refusal ?? session?.interruption, bytesSent: circumstances.sentTo ?? 0)
        case .create, .ask, .append:
            return .next(.upload(action))
        }
    }

    private var circumstances: ResumableUpload.Circumstances? {
        guard let session, let source = request.source else { return nil }
        let record = session.record.value
        return ResumableUpload.Circumstances(
            sentTo: record.sentTo, isWholeSent: record.isWholeSent, acknowledged: record.acknowledged,
            length: countedLength ?? source.length, isRepeatable: source.obstacle == nil && !session.isContinued,
            mayRepeat: request.method.isIdempotent || configuration.retry.includesNonIdempotentMethods,
            chance: Double.random(in: 0...1))
    }

    /// Begins to send the body, when the server has created an upload by a request without it.
    private mutating func created(_ answer: TransferResponse) throws(ClientError) -> Continuation? {
        guard let session, !session.createsWithBody, (200...299).contains(answer.status) else { return nil }
        if let reference = answer.encodedLocation ?? answer.headerFields.values(of: "Location").first {
            session.record.named(reference, relativeTo: url, session.dialect)
        }
        guard session.location != nil else {
            throw ClientError(
                .resumptionFailed,
                "the server has not created a resumable upload: its location is missing or on another origin")
        }
        guard let action = self.session?.machine.created() else { return nil }
        return .next(.upload(action))
    }

    /// Sends the request once more, in the version that a server asks for which refused this one. On a new connection: the
    /// server of swift-nio-extras does not read the rest of the refused one.
    private mutating func renegotiation(after answer: TransferResponse) -> Next? {
        guard var session, !session.hasNegotiated, !isRefused, request.source?.obstacle == nil,
            let dialect = session.dialect.replacement(status: answer.status, answer.headerFields)
        else { return nil }
        session.dialect = dialect
        session.hasNegotiated = true
        session.record.reset()
        self.session = session
        return .delayed(.zero)
    }

    /// To be called before the request of an action is sent.
    mutating func begin(_ action: ResumableUpload.Action) async throws(ClientError) {
        let delay: Duration
        switch action {
        case .create(let time):
            delay = time
            session?.record.reset()
            resetProgress()
        case .ask(let time):
            delay = time
        case .append(let offset, let time):
            delay = time
            session?.continued(at: offset)
        case .finish, .fail:
            return
        }
        try await Self.sleep(delay)
    }
}

// MARK: The requests of an upload

extension Exchange {
    /// The goal of a caller that waits for the present request.
    var goal: Waiter.Goal {
        switch session?.machine.state {
        case .asking: return .answer
        case .creating where session?.createsWithBody == false: return .answer
        default: break
        }
        return isFinished ? .answer : .partsSent
    }

    /// The request that continues the upload; nil if it has not been created.
    var continuingRequest: TransferRequest? {
        guard let session, let location = session.location else { return nil }
        switch session.machine.state {
        case .creating, .ended: return nil
        case .asking: return request(.head, to: location, session.dialect.questionFields)
        case .appending(let offset), .fetching(let offset):
            var append = request(
                .patch, to: location, session.dialect.appendFields(offset: offset), request.source,
                contentType: session.dialect.appendType)
            append.start = offset
            append.upload = session.observer(url: location, isCreation: false)
            return append
        }
    }

    /// The request that deletes the upload, which is forgotten then; nil if there is none.
    var deletion: TransferRequest? {
        guard let session, let location = session.record.takeLocation() else { return nil }
        return request(.delete, to: location, session.dialect.questionFields, requestTimeout: .seconds(10))
    }

    /// - Parameter requestTimeout: takes the place of both time limits of the exchange.
    private func request(
        _ method: Client.Method, to location: String, _ fields: HeaderFields, _ source: (any Source)? = nil,
        contentType: String? = nil, requestTimeout: Duration? = nil
    ) -> TransferRequest {
        let scope = scope(of: location)
        var headerFields = HeaderFields()
        for field in scope.headerFields where !Self.isOfCreation(field.name) {
            headerFields.append(field.name, field.value)
        }
        headerFields.merge(fields)
        return TransferRequest(
            settings: settings, method: method, url: location, headerFields: headerFields,
            authentication: scope.authentication, clientCertificate: scope.clientCertificate,
            contentType: contentType, contentEncoding: nil, source: source, isDuplex: false,
            countedLength: source == nil ? nil : countedLength, trailer: nil,
            stallTimeout: requestTimeout ?? request.stallTimeout ?? configuration.stallTimeout,
            requestTimeout: requestTimeout ?? request.requestTimeout ?? configuration.requestTimeout,
            // Only the requests with the body count.
            counter: source == nil ? ProgressCounter(ProgressHub(), from: UploadProgress()) : counter, control: control,
            priority: Task.currentPriority)
    }

    /// Whether a field of the request describes its content, or is a condition on its target: it must not be sent to the
    /// upload, which has other content.
    private static func isOfCreation(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["content-", "if-", "upload-"].contains { name.hasPrefix($0) }
            || ["repr-digest", "range", "trailer"].contains(name)
    }
}
