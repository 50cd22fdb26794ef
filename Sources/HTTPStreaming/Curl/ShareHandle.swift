internal import CCurl

/// The connection cache of one client, apart from the cache of the multi handle: a client's
/// connection is its own, no other client takes it, and it is closed with the client.
///
/// Used in one agent's turns only, which come one after another, hence without lock callbacks.
/// https://curl.se/libcurl/c/curl_share_setopt.html
final class ShareHandle {
    let raw: UnsafeMutableRawPointer
    /// Called when a cached connection is closed: below, or later.
    let sockets: SocketTracker

    init(_ sockets: SocketTracker) throws(CurlError) {
        self.sockets = sockets
        guard let raw = curl_share_init() else { throw CurlError(CURLE_OUT_OF_MEMORY) }
        self.raw = UnsafeMutableRawPointer(raw)
        _ = ccurl_share_set_long(raw, CURLSHOPT_SHARE, Int(CURL_LOCK_DATA_CONNECT.rawValue))
    }

    /// No easy handle may refer to it any more.
    deinit { curl_share_cleanup(raw) }
}
