internal import CCurl

/// A libcurl easy handle and its error buffer. Touched in its agent's turns only.
final class EasyHandle {
    /// What the options of a client's handle depend on, where the next transfer may find them as this one has set them.
    struct Purpose: Equatable {
        let method: Client.Method
        let url: String
        let authentication: Client.Authentication
        let sendsClientCertificate: Bool
        /// A body that is given to libcurl at once.
        let hasBody: Bool
    }

    let raw: UnsafeMutableRawPointer
    /// Outlives the handle, which refers to it.
    private let share: ShareHandle
    /// Receives libcurl's callbacks while the handle is in a multi handle.
    var callbacks: (any TransferCallbacks)?
    /// What the options are for; nil where the next transfer must set them anew.
    private var purpose: Purpose?

    /// libcurl writes into it during a transfer, so that it must outlive the handle.
    private let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init(_ sockets: SocketTracker) throws(CurlError) {
        share = try ShareHandle(sockets)
        guard let raw = curl_easy_init() else {
            errorBuffer.deallocate()
            throw CurlError(CURLE_OUT_OF_MEMORY)
        }
        self.raw = raw
        errorBuffer.pointee = 0
    }

    /// Must have been removed from its multi handle before.
    /// https://curl.se/libcurl/c/curl_multi_cleanup.html
    deinit {
        curl_easy_cleanup(raw)
        errorBuffer.deallocate()
    }

    /// Makes it ready for a transfer: has `configure` set its options, beginning with the defaults, but for what
    /// belongs to the client, unless they have been set for the same. A live connection stays.
    ///
    /// - Parameter purpose: nil where they are to be for this transfer only.
    /// https://curl.se/libcurl/c/curl_easy_reset.html
    func prepare(for purpose: Purpose?, _ configure: () throws(CurlError) -> Void) throws(CurlError) {
        errorBuffer.pointee = 0
        share.sockets.forgetUnread()
        guard purpose == nil || purpose != self.purpose else { return }
        self.purpose = nil
        curl_easy_reset(raw)
        try check(ccurl_easy_set_pointer(raw, CURLOPT_ERRORBUFFER, errorBuffer))
        try check(ccurl_easy_set_pointer(raw, CURLOPT_SHARE, share.raw))
        try setSocketCallbacks(share.sockets)
        try setTransferCallbacks()
        try configure()
        self.purpose = purpose
    }

    /// Has the next transfer begin with the defaults: what this one has made libcurl remember, such as that an
    /// authentication was to no avail, is not to be in its way.
    func forgetPurpose() { purpose = nil }

    func set(_ option: CURLoption, _ value: Int) throws(CurlError) {
        try check(ccurl_easy_set_long(raw, option, value))
    }

    func set(_ option: CURLoption, offset: Int64) throws(CurlError) {
        try check(ccurl_easy_set_offset(raw, option, curl_off_t(offset)))
    }

    /// libcurl copies strings. https://curl.se/libcurl/c/curl_easy_setopt.html
    func set(_ option: CURLoption, _ value: String) throws(CurlError) {
        try check(ccurl_easy_set_string(raw, option, value))
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) throws(CurlError) {
        try check(ccurl_easy_set_pointer(raw, option, pointer))
    }

    /// Has the handle send this as the body of a POST: libcurl copies it.
    /// https://curl.se/libcurl/c/CURLOPT_COPYPOSTFIELDS.html
    func setBody(_ bytes: UnsafeMutableRawBufferPointer) throws(CurlError) {
        // First, since it says how much is copied.
        try set(CURLOPT_POSTFIELDSIZE_LARGE, offset: Int64(bytes.count))
        try set(CURLOPT_COPYPOSTFIELDS, pointer: bytes.baseAddress)
    }

    /// Neither a URL nor a redirect may lead to file:, gopher: and the like.
    func allowHTTPOnly() throws(CurlError) {
        try check(ccurl_easy_allow_http_only(raw))
    }

    /// Removing a handle must not wait for a name being resolved: that would hold up every other
    /// client of the agent. https://curl.se/libcurl/c/CURLOPT_QUICK_EXIT.html
    func setQuickExit() throws(CurlError) {
        try check(ccurl_easy_set_quick_exit(raw))
    }

    func check(_ code: CURLcode) throws(CurlError) {
        guard code == CURLE_OK else { throw error(code) }
    }

    /// With what libcurl wrote of the particulars, unless it may hold a proxy's password.
    func error(_ code: CURLcode) -> CurlError {
        let detail = String(cString: errorBuffer)
        return CurlError(code, detail: detail.contains("@") ? "" : detail)
    }

    /// Pauses what `mask` has and resumes what it has not. May call the write callback before it
    /// returns. https://curl.se/libcurl/c/curl_easy_pause.html
    func pause(_ mask: Int32) {
        _ = curl_easy_pause(raw, mask)
    }

    /// - Parameter fallback: what it is where libcurl does not know it.
    func long(_ info: CURLINFO, unless fallback: Int = 0) -> Int {
        var value = 0
        return ccurl_easy_get_long(raw, info, &value) == CURLE_OK ? value : fallback
    }

    func offset(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return ccurl_easy_get_offset(raw, info, &value) == CURLE_OK ? Int64(value) : 0
    }

    /// Nil where it is empty. The text is libcurl's. https://curl.se/libcurl/c/curl_easy_getinfo.html
    func string(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        guard ccurl_easy_get_string(raw, info, &value) == CURLE_OK, let value else { return nil }
        return value.pointee == 0 ? nil : String(cString: value)
    }

    func duration(_ info: CURLINFO) -> Duration { .microseconds(offset(info)) }

    /// The descriptor of the connection in use, for polling.
    var socket: Int32? { share.sockets.current }

    /// An answer has come on it.
    func confirmSocket() { share.sockets.confirm() }

    /// Looks at what the connection has received and libcurl has not read, and leaves it there.
    func peek() -> SocketTracker.Peek { share.sockets.peek() }

    /// See ``SocketTracker/countsAcknowledged``.
    var countsAcknowledged: Bool { share.sockets.countsAcknowledged }

    /// See ``SocketTracker/unacknowledged``.
    var unacknowledged: Int64? { share.sockets.unacknowledged }
    /// Before a transfer: has libcurl take a connection that was kept for dead if something is to be read from it,
    /// which is no answer to a request that has not been sent. See ``SocketTracker/replaceStale()``.
    func discardStaleConnection() { share.sockets.replaceStale() }

    /// What the transfer's connection had received when it was closed, and libcurl had not read.
    var unread: [UInt8] { share.sockets.unread }
}
