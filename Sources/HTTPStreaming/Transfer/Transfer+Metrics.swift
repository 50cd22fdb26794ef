internal import CCurl
internal import Platform

extension Transfer {
    /// Notes what libcurl has counted. To be called while `easy` still has this transfer.
    func updateMetrics(isEnded: Bool) {
        var metrics = Response.Metrics()
        // All count from the beginning. https://curl.se/libcurl/c/curl_easy_getinfo.html
        let nameLookup = easy.duration(CURLINFO_NAMELOOKUP_TIME_T)
        let connect = max(nameLookup, easy.duration(CURLINFO_CONNECT_TIME_T))
        metrics.nameLookup = nameLookup
        metrics.connect = connect - nameLookup
        metrics.tls = max(.zero, easy.duration(CURLINFO_APPCONNECT_TIME_T) - connect)
        // CURLINFO_STARTTRANSFER_TIME_T is when the body's first byte is sent, if there is a body.
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
        if !bookkeeping.usesUnixSocket {
            metrics.remoteAddress = easy.string(CURLINFO_PRIMARY_IP)
            metrics.remotePort = easy.long(CURLINFO_PRIMARY_PORT)
        }
        metrics.usedProxy = usedProxy
        bookkeeping.metrics.set(metrics)
    }

    private var usedProxy: Bool? {
        if bookkeeping.usesUnixSocket || bookkeeping.proxy == .none { return false }
        // Libraries before 8.7 do not know the question; their answer stays as it was set.
        let unknown = -1
        let answer = easy.long(ccurl_info_used_proxy, unless: unknown)
        if answer != unknown { return answer != 0 }
        if easy.long(CURLINFO_HTTP_CONNECTCODE) != 0 { return true }
        if case .url(_, noProxy: []) = bookkeeping.proxy.kind { return true }
        return nil
    }
}
