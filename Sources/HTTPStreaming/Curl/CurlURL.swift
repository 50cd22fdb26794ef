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

    /// What a client is sure of when it sends secrets (RFC 6454 §4).
    struct Origin: Equatable {
        let scheme: String
        let host: String
        let port: String
    }

    static func origin(of url: String) -> Origin? {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK,
            let scheme = part(CURLUPART_SCHEME, of: handle), let host = part(CURLUPART_HOST, of: handle),
            let port = part(CURLUPART_PORT, of: handle, flags: UInt32(CURLU_DEFAULT_PORT))
        else { return nil }
        return Origin(scheme: scheme.lowercased(), host: host.lowercased(), port: port)
    }

    /// The URL that a `Location` means (RFC 9110 §10.2.2); nil if it is none of http or https. Within the
    /// origin of `base` it has the user and the password of that, unless it has its own.
    static func resolve(_ reference: String, against base: String) -> String? {
        guard !reference.utf8.contains(0), let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        // A relative one is resolved against what the handle has.
        guard curl_url_set(handle, CURLUPART_URL, base, 0) == CURLUE_OK,
            case let user = part(CURLUPART_USER, of: handle), case let password = part(CURLUPART_PASSWORD, of: handle),
            curl_url_set(handle, CURLUPART_URL, reference, UInt32(CURLU_URLENCODE)) == CURLUE_OK,
            let url = part(CURLUPART_URL, of: handle), complaint(about: url) == nil
        else { return nil }
        guard user != nil, part(CURLUPART_USER, of: handle) == nil, origin(of: url) == origin(of: base) else {
            return url
        }
        _ = curl_url_set(handle, CURLUPART_USER, user, 0)
        _ = curl_url_set(handle, CURLUPART_PASSWORD, password, 0)
        return part(CURLUPART_URL, of: handle)
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer, flags: UInt32 = 0) -> String? {
        // The text belongs to the caller. https://curl.se/libcurl/c/curl_url_get.html
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
