internal import CCurl
internal import Platform

// MARK: Metrics of the response

extension Transfer {
    /// Stores libcurl's times and counts. To be called before `easy` is used for another transfer.
    func updateMetrics(isEnded: Bool) {
        var metrics = Response.Metrics()
        // All times count from the beginning of the transfer. https://curl.se/libcurl/c/curl_easy_getinfo.html
        let nameLookup = easy.duration(CURLINFO_NAMELOOKUP_TIME_T)
        let connect = max(nameLookup, easy.duration(CURLINFO_CONNECT_TIME_T))
        metrics.nameLookup = nameLookup
        metrics.connect = connect - nameLookup
        metrics.tls = max(.zero, easy.duration(CURLINFO_APPCONNECT_TIME_T) - connect)
        // Not CURLINFO_STARTTRANSFER_TIME_T, which is when the first byte of the request's body is sent.
        metrics.firstByte = (download.headBeganAt ?? .now) - bookkeeping.beganAt
        metrics.total = isEnded ? .now - bookkeeping.beganAt : nil
        metrics.headerBytesSent = Int64(easy.long(CURLINFO_REQUEST_SIZE))
        metrics.bodyBytesSent = easy.offset(CURLINFO_SIZE_UPLOAD_T)
        metrics.headerBytesReceived = Int64(easy.long(CURLINFO_HEADER_SIZE))
        metrics.bodyBytesReceived = easy.offset(CURLINFO_SIZE_DOWNLOAD_T)
        metrics.connectionsOpened = easy.long(CURLINFO_NUM_CONNECTS)
        metrics.httpVersion =
            switch easy.long(CURLINFO_HTTP_VERSION) {
            case Int(CURL_HTTP_VERSION_1_0): "1.0"
            case Int(CURL_HTTP_VERSION_1_1): "1.1"
            case Int(CURL_HTTP_VERSION_2_0): "2"
            default: ""
            }
        if settings.configuration.unixSocket == nil {
            metrics.remoteAddress = easy.string(CURLINFO_PRIMARY_IP)
            metrics.remotePort = easy.long(CURLINFO_PRIMARY_PORT)
        }
        metrics.usedProxy = usedProxy
        if let observer = upload.observer {
            metrics.resumptions = observer.resumptions
            metrics.bytesSentAgain = observer.bytesSentAgain
        }
        bookkeeping.metrics.set(metrics)
    }
}

// MARK: Upload progress

extension Transfer {
    /// Reports progress to listeners, at most once in ``Client/Configuration/progressInterval``.
    ///
    /// - Returns: when to report again; nil if nothing changes before the next event.
    func reportProgress(at now: Instant) -> Instant? {
        guard bookkeeping.counter.hub.isListening, !download.isHandedOver else { return nil }
        let interval = settings.configuration.progressInterval
        if let reportedAt = bookkeeping.reportedAt, now < reportedAt + interval { return reportedAt + interval }
        let progress = uploadProgress
        bookkeeping.counter.report(progress)
        bookkeeping.reportedAt = now
        let isMoving = progress.bytesSent > progress.bytesAcknowledged ?? 0 || !machine.isUploadPaused
        return isMoving ? now + interval : nil
    }

    /// Reports the final progress, or the progress before more parts are added.
    func reportLast() {
        guard bookkeeping.counter.isWanted || bookkeeping.isOpenEnded, !download.isHandedOver else { return }
        bookkeeping.counter.report(uploadProgress)
    }

    private var uploadProgress: UploadProgress {
        let bytesSent = bytesSent
        if let unacknowledged = easy.sockets.unacknowledged {
            bookkeeping.bytesAcknowledged = max(bookkeeping.bytesAcknowledged, bytesSent - unacknowledged)
        }
        return UploadProgress(
            bytesRead: upload.body.bytesRead,
            bytesSent: bytesSent,
            bytesAcknowledged: easy.sockets.countsAcknowledged ? min(bookkeeping.bytesAcknowledged, bytesSent) : nil,
            totalBytes: upload.totalBytes,
            part: upload.body.currentPart,
            redirects: bookkeeping.counter.progress.redirects
        )
    }
}
