internal import CCurl

/// Checks a URL with libcurl's own parser, so that what is accepted here is accepted there.
enum CurlURL {
    /// Nil if `text` is an absolute URL of http or https with a host; otherwise why it is not. The
    /// reason never repeats the URL, which may hold a password.
    static func complaint(about text: String) -> String? {
        guard !text.utf8.contains(0) else { return "a NUL character" }
        // curl_url returns nil only when out of memory. https://curl.se/libcurl/c/curl_url.html
        guard let handle = curl_url() else { return "out of memory" }
        defer { curl_url_cleanup(handle) }
        // Without CURLU_GUESS_SCHEME or CURLU_DEFAULT_SCHEME a URL must name its scheme.
        // https://curl.se/libcurl/c/curl_url_set.html
        let code = curl_url_set(handle, CURLUPART_URL, text, 0)
        guard code == CURLUE_OK else {
            return text.contains("://")
                ? String(cString: curl_url_strerror(code)) : "no http:// or https:// at its start"
        }
        guard let scheme = part(CURLUPART_SCHEME, of: handle), ["http", "https"].contains(scheme) else {
            return "the scheme is neither http nor https"
        }
        guard let host = part(CURLUPART_HOST, of: handle), !host.isEmpty else { return "no host" }
        return nil
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
        // The text belongs to the caller. https://curl.se/libcurl/c/curl_url_get.html
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
