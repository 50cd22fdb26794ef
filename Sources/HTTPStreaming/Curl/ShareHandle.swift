internal import CCurl

/// The connection cache of one client. With a cache of its own instead of the multi handle's, no other client can use
/// its connection, and the connection is closed with the client.
///
/// It has no lock callbacks, because only one thread at a time uses it.
/// https://curl.se/libcurl/c/curl_share_setopt.html
final class ShareHandle {
    let raw: UnsafeMutableRawPointer
    /// Receives the close callbacks of cached connections, during `deinit` or later.
    let sockets: SocketTracker

    init(_ sockets: SocketTracker) throws(CurlError) {
        self.sockets = sockets
        guard let raw = curl_share_init() else { throw CurlError(CURLE_OUT_OF_MEMORY) }
        self.raw = UnsafeMutableRawPointer(raw)
        _ = ccurl_share_set_long(raw, CURLSHOPT_SHARE, Int(CURL_LOCK_DATA_CONNECT.rawValue))
    }

    /// No easy handle may use the share handle any more.
    deinit { curl_share_cleanup(raw) }
}
