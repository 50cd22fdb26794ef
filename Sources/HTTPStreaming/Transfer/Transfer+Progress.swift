internal import Platform

/// Upload progress, reported as long as somebody listens.
extension Transfer {
    /// Reports progress, at most once in ``Client/Configuration/progressInterval``.
    ///
    /// - Returns: when to report again; nil if only an event changes anything.
    func reportProgress(at now: Instant) -> Instant? {
        guard bookkeeping.counter.hub.isListening, !download.isHandedOver else { return nil }
        let interval = bookkeeping.progressInterval
        if let reportedAt = bookkeeping.reportedAt, now < reportedAt + interval { return reportedAt + interval }
        let progress = uploadProgress
        bookkeeping.counter.report(progress)
        bookkeeping.reportedAt = now
        let isMoving = progress.bytesSent > progress.bytesAcknowledged ?? 0 || !machine.isUploadPaused
        return isMoving ? now + interval : nil
    }

    /// Reports the final state, or that before more parts are added.
    func reportLast() {
        guard bookkeeping.counter.isWanted || bookkeeping.isOpenEnded, !download.isHandedOver else { return }
        bookkeeping.counter.report(uploadProgress)
    }

    private var uploadProgress: UploadProgress {
        let bytesSent = bytesSent
        if let unacknowledged = easy.unacknowledged {
            bookkeeping.bytesAcknowledged = max(bookkeeping.bytesAcknowledged, bytesSent - unacknowledged)
        }
        return UploadProgress(
            bytesRead: upload.body.bytesRead,
            bytesSent: bytesSent,
            bytesAcknowledged: easy.countsAcknowledged ? min(bookkeeping.bytesAcknowledged, bytesSent) : nil,
            totalBytes: upload.totalBytes,
            part: upload.body.currentPart
        )
    }
}
