internal import CCurl
internal import ContentCoding
internal import Platform

/// libcurl's callbacks. They are called within functions of ``MultiHandle`` and within ``EasyHandle/pause(_:)``.
extension Transfer {
    func readBody(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = nextBytes(into: buffer)
        // The trailer follows the end.
        if count == 0, upload.trailer != nil { easy.hasSentTrailer = true }
        return count
    }

    private func nextBytes(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        pending.add(self)
        switch machine.readRequested() {
        case .pause: return ccurl_read_pause
        case .end: return 0
        // The server has refused the body already.
        case .endAfterRefusal: return MultiHandle.endsPausedTransfers ? ccurl_read_pause : 0
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
        if !upload.deferredBytes.isEmpty {
            return passed(upload.deferredBytes.move(to: buffer))
        }
        let outcome: ReadOutcome
        do throws(ClientError) {
            outcome = try upload.body.read(into: buffer)
        } catch {
            upload.failure = error
            // libcurl is not paused, because it is calling.
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
            upload.observer?.record.passed(to: upload.body.position, isEnd: true)
            return 0
        }
        guard machine.yieldsToAnswer, upload.body.offset > Int64(count), mayBeAnswered else { return passed(count) }
        machine.answerSeen()
        upload.yieldsWithoutAnswer += 1
        upload.deferredBytes = Array(buffer[..<count])[...]
        return ccurl_read_pause
    }

    /// Notes that bytes are passed to libcurl, and that the body has ended if they are the last ones: libcurl does not
    /// ask again after the last byte of a known length.
    private func passed(_ count: Int) -> Int {
        if upload.control.maximumRate != nil { upload.bucket.spend(count) }
        let isLast = upload.deferredBytes.isEmpty && upload.body.isAtEnd
        upload.observer?.record.passed(to: upload.body.position, isEnd: isLast)
        if isLast {
            machine.bodyEnded()
            // No other callback will be called while content is blocked.
            if machine.isDownloadPaused { pending.add(self) }
        }
        return count
    }

    /// Seeks in the body. libcurl does that to send the request again, when a kept connection turns out to be closed.
    func seekBody(to offset: Int64, origin: Int32) -> Int32 {
        // libcurl (7.88 to 8.x) seeks only to the beginning.
        guard origin == SEEK_SET, offset == 0, rewindBody() else {
            upload.failure =
                upload.failure
                ?? ClientError(
                    .cannotSendAgain,
                    "the request must be sent again, but its body can no longer be read from the beginning"
                )
            return CURL_SEEKFUNC_FAIL
        }
        return CURL_SEEKFUNC_OK
    }

    /// Goes back to the beginning of the body, to send it again.
    ///
    /// - Returns: false if the body can no longer be read from there.
    func rewindBody() -> Bool {
        guard easy.canRewind else {
            var error = ClientError(.connectionLost, "the connection was lost after the whole body had been sent")
            error.wasNotProcessed = true
            upload.failure = error
            return false
        }
        // The server keeps what it has received of an upload: it is asked how much that is, instead of sending all again.
        if let observer = upload.observer, !observer.isCreation, upload.body.offset > 0 {
            upload.failure = ClientError(.connectionLost, "the connection was lost")
            return false
        }
        guard upload.body.rewind() else { return false }
        upload.deferredBytes = []
        bookkeeping.bytesAcknowledged = upload.body.start
        machine.bodyRewound()
        return true
    }

    /// To be called when more of the body may be readable.
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

    /// The descriptor that must become readable before the upload can continue.
    var awaitedDescriptor: Int32? { machine.upload == .waiting ? upload.body.awaitedDescriptor : nil }

    /// Sends an empty block if an open request has been idle for ``Client/Configuration/heartbeatInterval``.
    ///
    /// - Returns: when the next one is due; nil if the request is not idle, or has no heartbeat.
    func sendHeartbeat(at now: Instant) -> Instant? {
        guard let interval = settings.configuration.heartbeatInterval, machine.upload == .starved else { return nil }
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
        if let observer = upload.observer, let interim = download.head.endedInterim {
            observer.received(interim: interim, download.head.fields)
        }
        if let status {
            finalHeadReceived(status: status)
        } else if isRefusedInMidBody {
            return 0
        } else if let status = download.head.tentativeStatus {
            if status == 417, upload.hasOwnExpect { leaveOutExpect() }
            // libcurl sends the request again, which creates another upload.
            if upload.observer?.isCreation == true { upload.observer?.record.reset() }
            perform(machine.tentativelyAnswered())
        }
        return line.count
    }

    /// Removes the first line of the header list, which is the `Expect` field.
    func leaveOutExpect() {
        upload.hasOwnExpect = false
        try? easy.set(CURLOPT_HTTPHEADER, pointer: upload.headerList.raw?.pointee.next)
    }

    func trailerLine() -> String? { upload.trailer?.fieldValue.map { "Repr-Digest: \($0)" } }

    func receiveContent(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        if machine.download == .awaitingHead {
            guard let status = download.head.acceptTentative() else { return bytes.count }
            finalHeadReceived(status: status)
        }
        let isFull = machine.takesContent && !takeContent(UnsafeRawBufferPointer(bytes))
        let action = machine.contentReceived(isFull: isFull)
        pending.add(self)
        return action == .pause ? ccurl_write_pause : bytes.count
    }
}
