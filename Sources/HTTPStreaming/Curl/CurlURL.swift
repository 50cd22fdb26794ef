internal import CCurl

/// Checks a URL with libcurl's own parser, so that what is accepted here is accepted there.
enum CurlURL {
    /// Nil if `text` is an absolute URL of one of these schemes, with a host; otherwise why it is not.
    /// The reason never repeats the URL, which may hold a password.
    static func complaint(about text: String, schemes: [String] = ["http", "https"]) -> String? {
        guard !text.utf8.contains(0) else { return "a NUL character" }
        // curl_url returns nil only when out of memory. https://curl.se/libcurl/c/curl_url.html
        guard let handle = curl_url() else { return "out of memory" }
        defer { curl_url_cleanup(handle) }
        // Without CURLU_GUESS_SCHEME or CURLU_DEFAULT_SCHEME a URL must name its scheme.
        // https://curl.se/libcurl/c/curl_url_set.html
        let code = curl_url_set(handle, CURLUPART_URL, text, ccurl_url_any_scheme)
        guard code == CURLUE_OK else {
            return text.contains("://")
                ? String(cString: curl_url_strerror(code)) : "no \(schemes[0]):// or the like at its start"
        }
        guard let scheme = part(CURLUPART_SCHEME, of: handle), schemes.contains(scheme) else {
            return "the scheme is none of \(schemes.joined(separator: ", "))"
        }
        guard let host = part(CURLUPART_HOST, of: handle), !host.isEmpty else { return "no host" }
        return nil
    }

    /// Checks the URL of a request, and takes the credentials out of it.
    static func check(_ text: String) throws(ClientError) -> (url: String, credentials: Client.Authentication?) {
        if let complaint = complaint(about: text) { throw ClientError(.invalidURL, "malformed URL: \(complaint)") }
        guard let (url, credentials) = separate(text) else {
            throw ClientError(.invalidURL, "malformed URL: the user or the password is no text")
        }
        return (url, credentials.map { .basic(user: $0.user, password: $0.password) })
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

    /// The URL that a `Location` means (RFC 9110 §10.2.2), without a user and a password, which are none of
    /// the server's to choose; nil if it is none of http or https.
    static func resolve(_ reference: String, against base: String) -> String? {
        guard !reference.utf8.contains(0), let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        // A relative one is resolved against what the handle has.
        guard curl_url_set(handle, CURLUPART_URL, base, 0) == CURLUE_OK,
            curl_url_set(handle, CURLUPART_URL, reference, UInt32(CURLU_URLENCODE)) == CURLUE_OK,
            let url = withoutCredentials(handle)
        else { return nil }
        return complaint(about: url) == nil ? url : nil
    }

    /// Takes the user and the password, percent-decoded, out of a URL that is none to complain about.
    /// `credentials` is nil where there are none.
    ///
    /// - Returns: nil if what they are encoded from is not UTF-8, or holds control characters.
    static func separate(_ text: String) -> (url: String, credentials: (user: String, password: String)?)? {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, ccurl_url_any_scheme) == CURLUE_OK else { return nil }
        guard hasPart(CURLUPART_USER, of: handle) || hasPart(CURLUPART_PASSWORD, of: handle) else {
            return (text, nil)
        }
        let user = hasPart(CURLUPART_USER, of: handle) ? part(CURLUPART_USER, of: handle, flags: ccurl_url_decode) : ""
        let password =
            hasPart(CURLUPART_PASSWORD, of: handle) ? part(CURLUPART_PASSWORD, of: handle, flags: ccurl_url_decode) : ""
        guard let user, let password, let url = withoutCredentials(handle) else { return nil }
        return (url, (user, password))
    }

    /// Nil if it is none.
    static func withoutCredentials(_ text: String) -> String? {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, ccurl_url_any_scheme) == CURLUE_OK else { return nil }
        return withoutCredentials(handle)
    }

    private static func withoutCredentials(_ handle: OpaquePointer) -> String? {
        // A part that is set to nil is taken out. https://curl.se/libcurl/c/curl_url_set.html
        for part in [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS] {
            guard curl_url_set(handle, part, nil, 0) == CURLUE_OK else { return nil }
        }
        return part(CURLUPART_URL, of: handle)
    }

    private static func hasPart(_ part: CURLUPart, of handle: OpaquePointer) -> Bool {
        self.part(part, of: handle) != nil
    }

    /// Nil if there is none, or, decoded, no text.
    private static func part(_ part: CURLUPart, of handle: OpaquePointer, flags: UInt32 = 0) -> String? {
        // The text belongs to the caller. https://curl.se/libcurl/c/curl_url_get.html
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(validatingCString: text)
    }
}
