internal import CCurl

/// A libcurl easy handle with its error buffer and its connection cache. Used by one thread at a time.
final class EasyHandle {
    /// Everything that the options depend on which differs between the requests of a client.
    struct Setup: Equatable {
        let method: String
        let url: String
        let credentials: [String]
        let sendsClientCertificate: Bool
        let hasBody: Bool
    }

    /// See ``replaceAfterTrailer()``.
    var raw: UnsafeMutableRawPointer
    /// Whether libcurl has asked for a trailer.
    var hasSentTrailer = false
    /// Must outlive the handle, which uses it.
    private let share: ShareHandle
    /// Receives libcurl's callbacks while the handle is in a multi handle.
    var callbacks: (any TransferCallbacks)?
    /// What the handle's options were set for; nil if the next transfer must set them again.
    private var setup: Setup?

    /// Must outlive the handle, because libcurl writes to it during a transfer.
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

    /// The handle must have been removed from its multi handle.
    /// https://curl.se/libcurl/c/curl_multi_cleanup.html
    deinit {
        curl_easy_cleanup(raw)
        errorBuffer.deallocate()
    }

    /// Prepares the handle for a transfer. Resets its options and calls `configure` to set them, unless they were last
    /// set for an equal `setup`. An open connection is kept.
    /// https://curl.se/libcurl/c/curl_easy_reset.html
    ///
    /// - Parameter setup: everything that the options depend on; nil if they must not be kept for the next transfer.
    func prepare(for setup: Setup?, _ configure: () throws(CurlError) -> Void) throws(CurlError) {
        errorBuffer.pointee = 0
        sockets.clearUnread()
        try replaceAfterTrailer()
        if setup != nil, setup == self.setup { return }
        self.setup = nil
        curl_easy_reset(raw)
        try check(ccurl_easy_set_pointer(raw, CURLOPT_ERRORBUFFER, errorBuffer))
        try check(ccurl_easy_set_pointer(raw, CURLOPT_SHARE, share.raw))
        try setSocketCallbacks(sockets)
        try setTransferCallbacks()
        try configure()
        self.setup = setup
    }

    /// Makes the next transfer set all options again, which also clears what libcurl remembers of this one, such as a
    /// failed authentication.
    func discardSetup() { setup = nil }

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

    /// Makes libcurl copy `bytes` and send them as the body of a POST.
    /// https://curl.se/libcurl/c/CURLOPT_COPYPOSTFIELDS.html
    func setBody(_ bytes: UnsafeMutableRawBufferPointer) throws(CurlError) {
        // The size must be set first: libcurl copies that many bytes.
        try set(CURLOPT_POSTFIELDSIZE_LARGE, offset: Int64(bytes.count))
        try set(CURLOPT_COPYPOSTFIELDS, pointer: bytes.baseAddress)
    }

    func check(_ code: CURLcode) throws(CurlError) {
        guard code == CURLE_OK else { throw error(code) }
    }

    /// Adds libcurl's details to the code, unless they contain an `@` and so perhaps a proxy's password.
    func error(_ code: CURLcode) -> CurlError {
        let detail = String(cString: errorBuffer)
        return CurlError(code, detail: detail.contains("@") ? "" : detail)
    }

    /// Pauses the directions that are in `mask` and resumes the others. May call the write callback before it returns.
    /// https://curl.se/libcurl/c/curl_easy_pause.html
    func pause(_ mask: Int32) {
        _ = curl_easy_pause(raw, mask)
    }

    /// - Parameter fallback: returned if this libcurl does not know `info`.
    func long(_ info: CURLINFO, unless fallback: Int = 0) -> Int {
        var value = 0
        return ccurl_easy_get_long(raw, info, &value) == CURLE_OK ? value : fallback
    }

    func offset(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return ccurl_easy_get_offset(raw, info, &value) == CURLE_OK ? Int64(value) : 0
    }

    /// Nil if it is empty. libcurl owns the text, which is copied. https://curl.se/libcurl/c/curl_easy_getinfo.html
    func string(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        guard ccurl_easy_get_string(raw, info, &value) == CURLE_OK, let value else { return nil }
        return value.pointee == 0 ? nil : String(cString: value)
    }

    func duration(_ info: CURLINFO) -> Duration { .microseconds(offset(info)) }

    var sockets: SocketTracker { share.sockets }
}
