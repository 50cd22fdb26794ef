internal import CCurl
internal import Platform

/// What libcurl calls, in the agent's turn, from within ``MultiHandle/perform()`` or
/// ``EasyHandle/pause(_:)``.
extension Transfer {
    /// Gives the next bytes of the body. https://curl.se/libcurl/c/CURLOPT_READFUNCTION.html
    func readBody(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        agenda.add(self)
        switch machine.readRequested() {
        case .pause: return ccurl_read_pause
        case .end: return 0
        // libcurl 7.88 never ends a transfer that is paused; a later one takes an early end of the
        // body for an error. The server is misled by neither: the closing delimiter is missing.
        case .giveNoMore: return MultiHandle.endsPausedTransfers ? ccurl_read_pause : 0
        case .abort: return ccurl_read_abort
        case .fill: break
        }
        guard let rate = control.maximumRate else { return fill(buffer) }
        switch bucket.allowance(rate: rate, at: .now) {
        case .bytes(let count):
            return fill(UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(count)))
        case .none(let time):
            machine.allowanceSpent(until: time)
            return ccurl_read_pause
        }
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        if !stash.isEmpty {
            let count = min(stash.count, buffer.count)
            buffer.copyBytes(from: stash.prefix(count))
            stash = stash.dropFirst(count)
            // An empty slice would keep the memory.
            if stash.isEmpty { stash = [] }
            return given(count)
        }
        let outcome: BodyRead
        do throws(ClientError) {
            outcome = try body.read(into: buffer)
        } catch {
            failure = error
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
        case .dry, .end:
            let action = machine.bodyRanDry()
            isIdleSince = .now
            return action == .end ? 0 : ccurl_read_pause
        }
        guard machine.yieldsToAnswer, body.offset > Int64(count), mayBeAnswered else { return given(count) }
        machine.answerSeen()
        fruitlessYields += 1
        stash = Array(buffer[..<count])[...]
        return ccurl_read_pause
    }

    /// Whether there is something on the socket that may be an answer. With TLS or HTTP/2 it may be
    /// something else: a few session tickets, or a window that is moved again and again. HTTP/2 can
    /// take an answer while sending, so that only its end needs to be looked for.
    private var mayBeAnswered: Bool {
        switch easy.peek() {
        case .nothing: false
        case .bytes(isHungUp: false): fruitlessYields < Self.fruitlessYieldsAtMost
        case .bytes(isHungUp: true), .hangUp: true
        }
    }

    private static let fruitlessYieldsAtMost = 4

    /// Bytes go to libcurl, which does not ask again behind the last of a known length.
    private func given(_ count: Int) -> Int {
        if control.maximumRate != nil { bucket.spend(count) }
        if stash.isEmpty, body.isAtEnd {
            _ = machine.bodyRanDry()
            // No content, nor its end, is heard of before the one that there is has been read.
            if machine.isDownloadPaused { agenda.add(self) }
        }
        return count
    }

    /// Begins again from the start of the body, if it can be: a connection that was kept had been
    /// closed by the server when the request came, and not a byte of an answer was read. libcurl
    /// sees to that itself, but not while sending is paused, nor when a send finds out.
    func restart() -> Bool {
        guard machine.download == .awaitingHead, head.isUntouched, easy.long(CURLINFO_NUM_CONNECTS) == 0
        else { return false }
        if isGivenWhole { return true }
        guard body.rewind() else { return false }
        bodyRewound()
        return true
    }

    /// Goes back in the body: a connection that was kept turned out dead, and libcurl sends the
    /// request again on a new one. https://curl.se/libcurl/c/CURLOPT_SEEKFUNCTION.html
    func seekBody(to offset: Int64, origin: Int32) -> Int32 {
        // libcurl 7.88 to 8.x goes nowhere else.
        guard origin == SEEK_SET, offset == 0, body.rewind() else {
            failure = ClientError(
                .cannotSendAgain,
                "the request must be sent again, and what was sent of its body can no longer be read"
            )
            return CURL_SEEKFUNC_FAIL
        }
        bodyRewound()
        return CURL_SEEKFUNC_OK
    }

    private func bodyRewound() {
        stash = []
        bytesAcknowledged = 0
        machine.bodyRewound()
    }

    /// There may be more of the body to read, by another thread's doing.
    func contentArrived() {
        guard isRunning, machine.upload != .stopped else { return }
        do throws(ClientError) {
            try body.readAhead()
            perform(machine.contentArrived())
        } catch {
            failure = error
            perform(machine.uploadFailed())
        }
    }

    /// What of the body's source is to be waited for, if that is what the transfer waits for.
    var awaitedDescriptor: Int32? { machine.upload == .waiting ? body.awaitedDescriptor : nil }

    /// Has an open request that has been idle for too long send what means nothing.
    ///
    /// - Returns: when to look again; nil if there is nothing to be done for it.
    func keepAlive(at now: Instant) -> Instant? {
        guard let keepAliveInterval, machine.upload == .starved else { return nil }
        guard isIdleSince + keepAliveInterval <= now else { return isIdleSince + keepAliveInterval }
        body.appendEmptyBlock()
        isIdleSince = now
        perform(machine.keptAlive())
        return now + keepAliveInterval
    }

    /// One line of a header, complete. https://curl.se/libcurl/c/CURLOPT_HEADERFUNCTION.html
    func receiveHeaderLine(_ line: UnsafeMutableRawBufferPointer) -> Int {
        if head.isBetweenHeaders { headBeganAt = .now }
        fruitlessYields = 0
        let mayBeSentAgain = machine.upload != .complete
        let status = head.append(UnsafeRawBufferPointer(line), mayBeSentAgain: mayBeSentAgain)
        if let complaint = head.complaint {
            failure = ClientError(.invalidResponse, complaint)
            return 0
        }
        if let status {
            finalHeadReceived(status: status)
        } else if isRefusedInMidBody {
            return 0
        } else if let status = head.tentativeStatus {
            if status == 417, insistsOnExpect { leaveOutExpect() }
            perform(machine.tentativelyAnswered())
        }
        return line.count
    }

    func leaveOutExpect() {
        insistsOnExpect = false
        try? easy.set(CURLOPT_HTTPHEADER, pointer: headerList.raw?.pointee.next)
    }

    /// The next bytes of content. https://curl.se/libcurl/c/CURLOPT_WRITEFUNCTION.html
    func receiveContent(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        if machine.download == .awaitingHead {
            guard let status = head.acceptTentative() else { return bytes.count }
            finalHeadReceived(status: status)
        }
        let isFull = machine.takesContent && !takeContent(UnsafeRawBufferPointer(bytes))
        let action = machine.contentReceived(isFull: isFull)
        // Where the head came before the body's end, this is the first that is heard after it.
        agenda.add(self)
        return action == .pause ? ccurl_write_pause : bytes.count
    }
}
