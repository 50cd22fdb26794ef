internal import CCurl

// Symptom: after a request with a trailer, the next chunked body that is sent with the same handle, also the same body again,
// is written to memory before libcurl's buffer.
// Versions: 7.88, seen with AddressSanitizer; versions before 8.7, which has other code, are taken to be the same.
// Workaround: the handle is replaced before its next request. Its connections are in the share; cookies are copied. Within the
// request, the body is not sent again.

extension EasyHandle {
    /// Whether libcurl spoils memory when a handle that has sent a trailer sends another chunked body.
    static let mustNotFollowTrailer = ccurl_version_number() < 0x080700

    /// Whether the body can be sent again by libcurl itself.
    var canRewind: Bool { !hasSentTrailer || !Self.mustNotFollowTrailer }

    /// Replaces the handle if it has sent a trailer. It must have been removed from its multi handle.
    func replaceAfterTrailer() throws(CurlError) {
        guard hasSentTrailer else { return }
        hasSentTrailer = false
        guard Self.mustNotFollowTrailer else { return }
        guard let fresh = curl_easy_init() else { throw CurlError(CURLE_OUT_OF_MEMORY) }
        // https://curl.se/libcurl/c/CURLINFO_COOKIELIST.html
        var cookies: UnsafeMutablePointer<curl_slist>?
        _ = ccurl_easy_get_list(raw, CURLINFO_COOKIELIST, &cookies)
        var cookie = cookies
        while let line = cookie {
            _ = ccurl_easy_set_string(fresh, CURLOPT_COOKIELIST, line.pointee.data)
            cookie = line.pointee.next
        }
        curl_slist_free_all(cookies)
        curl_easy_cleanup(raw)
        raw = fresh
        discardSetup()
    }
}
