/// What a transfer tells of its progress, as long as somebody listens.
extension Transfer {
    /// Reports when it is time to.
    ///
    /// - Returns: when to look again; nil if nothing changes but by an event.
    func reportProgress(at now: Instant) -> Instant? {
        guard counter.hub.isListening, !isAnswered else { return nil }
        if let reportedAt, now < reportedAt + progressInterval { return reportedAt + progressInterval }
        let progress = uploadProgress
        counter.report(progress)
        reportedAt = now
        let isMoving = progress.bytesSent > progress.bytesAcknowledged ?? 0 || !machine.isUploadPaused
        return isMoving ? now + progressInterval : nil
    }

    /// Reports how far it has got in the end, or until more parts are given.
    func reportLast() {
        guard counter.isWanted || isOpenEnded, !isAnswered else { return }
        counter.report(uploadProgress)
    }

    private var uploadProgress: UploadProgress {
        let bytesSent = bytesSent
        let unacknowledged = easy.unacknowledged
        if let unacknowledged { bytesAcknowledged = max(bytesAcknowledged, bytesSent - unacknowledged) }
        return UploadProgress(
            bytesRead: body.messageOffset,
            bytesSent: bytesSent,
            bytesAcknowledged: easy.countsAcknowledged ? min(bytesAcknowledged, bytesSent) : nil,
            totalBytes: totalBytes,
            part: body.currentPart
        )
    }
}
