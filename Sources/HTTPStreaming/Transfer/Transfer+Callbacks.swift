internal import CCurl
internal import Platform

/// The calls of libcurl, in the agent's turn, from within ``MultiHandle/perform()`` or ``EasyHandle/pause(_:)``.
extension Transfer {
    func readBody(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        pending.add(self)
        switch machine.readRequested() {
        case .pause: return ccurl_read_pause
        case .end: return 0
        // libcurl 7.88 never ends a paused transfer; a later one reports an early end of the body as an error. The
        // server takes neither for the whole body: the end of it is missing.
        case .giveNoMore: return MultiHandle.endsPausedTransfers ? ccurl_read_pause : 0
        case .abort: return ccurl_read_abort
        case .fill: break
        }
        guard let rate = upload.control.maximumRate else { return fill(buffer) }
        switch upload.bucket.allowance(rate: rate, at: .now) {
        case .bytes(let count):
            return fill(UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(count)))
        case .none(let time):
            machine.allowanceSpent(until: time)
            return ccurl_read_pause
        }
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        if !upload.held.isEmpty {
            let count = min(upload.held.count, buffer.count)
            buffer.copyBytes(from: upload.held.prefix(count))
            upload.held = upload.held.dropFirst(count)
            // An empty slice would keep the memory.
            if upload.held.isEmpty { upload.held = [] }
            return given(count)
        }
        let outcome: ReadOutcome
        do throws(ClientError) {
            outcome = try upload.body.read(into: buffer)
        } catch {
            upload.failure = error
            // libcurl is not paused: it is calling.
            _ = machine.uploadFailed()
            return ccurl_read_abort
        }
        let count: Int
        switch outcome {
        case .bytes(let read):
            count = read
        case .waiting:
            machine.contentAwaited()
            return ccurl_read_pause
        case .needsInput:
            machine.bodyRanDry()
            upload.idleSince = .now
            return ccurl_read_pause
        case .end:
            machine.bodyEnded()
            return 0
        }
        guard machine.yieldsToAnswer, upload.body.offset > Int64(count), mayBeAnswered else { return given(count) }
        machine.answerSeen()
        upload.yieldsWithoutAnswer += 1
        upload.held = Array(buffer[..<count])[...]
        return ccurl_read_pause
    }

    /// Whether the socket holds bytes that may be an answer. With TLS or HTTP/2 they may be something else: a few
    /// session tickets, or window updates again and again. HTTP/2 can receive an answer while it sends, so that only
    /// the end of the connection needs to be looked for.
    private var mayBeAnswered: Bool {
        switch easy.peek() {
        case .nothing: false
        case .bytes(isHungUp: false): upload.yieldsWithoutAnswer < Self.fruitlessYieldsAtMost
        case .bytes(isHungUp: true), .hangUp: true
        }
    }

    private static let fruitlessYieldsAtMost = 4

    /// Notes that libcurl gets these bytes. It does not ask again after the last byte of a known length.
    private func given(_ count: Int) -> Int {
        if upload.control.maximumRate != nil { upload.bucket.spend(count) }
        if upload.held.isEmpty, upload.body.isAtEnd {
            machine.bodyEnded()
            // libcurl passes on nothing more before the content that is blocked has been read.
            if machine.isDownloadPaused { pending.add(self) }
        }
        return count
    }

    /// Goes back to the start of the body, if possible: the server had closed a kept connection when the request
    /// was sent, and not a byte of an answer was received. libcurl does that itself, but not while sending is paused,
    /// nor when a send finds out.
    func restart() -> Bool {
        guard machine.download == .awaitingHead, download.head.isUntouched, easy.long(CURLINFO_NUM_CONNECTS) == 0
        else { return false }
        if upload.isGivenWhole { return true }
        guard upload.body.rewind() else { return false }
        bodyRewound()
        return true
    }

    /// A kept connection turned out to be closed, and libcurl sends the request again on a new one.
    func seekBody(to offset: Int64, origin: Int32) -> Int32 {
        // libcurl 7.88 to 8.x seeks to no other place.
        guard origin == SEEK_SET, offset == 0, upload.body.rewind() else {
            upload.failure = ClientError(
                .cannotSendAgain,
                "the request must be sent again, and what was sent of its body can no longer be read"
            )
            return CURL_SEEKFUNC_FAIL
        }
        bodyRewound()
        return CURL_SEEKFUNC_OK
    }

    private func bodyRewound() {
        upload.held = []
        bookkeeping.bytesAcknowledged = 0
        machine.bodyRewound()
    }

    /// Another thread has made more of the body readable.
    func contentArrived() {
        guard isRunning, machine.upload != .stopped else { return }
        do throws(ClientError) {
            try upload.body.readAhead()
            perform(machine.contentArrived())
        } catch {
            upload.failure = error
            perform(machine.uploadFailed())
        }
    }

    /// The descriptor of the body's source that the transfer waits for.
    var awaitedDescriptor: Int32? { machine.upload == .waiting ? upload.body.awaitedDescriptor : nil }

    /// Sends an empty block if an open request has been idle for ``Client/Configuration/heartbeatInterval``.
    ///
    /// - Returns: when to look again; nil if the request is not idle, or has no heartbeat.
    func sendHeartbeat(at now: Instant) -> Instant? {
        guard let interval = upload.heartbeatInterval, machine.upload == .starved else { return nil }
        guard upload.idleSince + interval <= now else { return upload.idleSince + interval }
        upload.body.appendEmptyBlock()
        upload.idleSince = now
        perform(machine.heartbeatAppended())
        return now + interval
    }

    func receiveHeaderLine(_ line: UnsafeMutableRawBufferPointer) -> Int {
        if download.head.isBetweenHeaders { download.headBeganAt = .now }
        upload.yieldsWithoutAnswer = 0
        let mayBeSentAgain = machine.upload != .complete
        let status = download.head.append(UnsafeRawBufferPointer(line), mayBeSentAgain: mayBeSentAgain)
        if let complaint = download.head.complaint {
            upload.failure = ClientError(.invalidResponse, complaint)
            return 0
        }
        if let status {
            finalHeadReceived(status: status)
        } else if isRefusedInMidBody {
            return 0
        } else if let status = download.head.tentativeStatus {
            if status == 417, upload.hasOwnExpect { leaveOutExpect() }
            perform(machine.tentativelyAnswered())
        }
        return line.count
    }

    func leaveOutExpect() {
        upload.hasOwnExpect = false
        try? easy.set(CURLOPT_HTTPHEADER, pointer: upload.headerList.raw?.pointee.next)
    }

    func receiveContent(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        if machine.download == .awaitingHead {
            guard let status = download.head.acceptTentative() else { return bytes.count }
            finalHeadReceived(status: status)
        }
        let isFull = machine.takesContent && !takeContent(UnsafeRawBufferPointer(bytes))
        let action = machine.contentReceived(isFull: isFull)
        // If the head was received before the end of the body, this is the first event after it.
        pending.add(self)
        return action == .pause ? ccurl_write_pause : bytes.count
    }
}
