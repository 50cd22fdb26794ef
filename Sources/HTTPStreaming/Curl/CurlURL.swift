internal import CCurl
internal import Platform

/// Parses URLs with libcurl's own parser, so that libcurl accepts every URL that is accepted here.
enum CurlURL {
    /// Says why `text` is not an absolute URL with a host and one of `schemes`; nil if it is one.
    /// The reason never contains the URL, which may hold a password.
    static func complaint(about text: String, schemes: [String] = ["http", "https"]) -> String? {
        guard !text.utf8.contains(0) else { return "it contains a NUL character" }
        // curl_url returns nil only when out of memory. https://curl.se/libcurl/c/curl_url.html
        guard let handle = curl_url() else { return "out of memory" }
        defer { curl_url_cleanup(handle) }
        // Without CURLU_GUESS_SCHEME or CURLU_DEFAULT_SCHEME, a URL must begin with its scheme.
        // https://curl.se/libcurl/c/curl_url_set.html
        let code = curl_url_set(handle, CURLUPART_URL, text, ccurl_url_any_scheme)
        guard code == CURLUE_OK else {
            return hasScheme(text)
                ? String(cString: curl_url_strerror(code))
                : "it does not begin with a scheme; write \(schemes[0])://\(authority(of: text) ?? "host")"
        }
        guard let scheme = part(CURLUPART_SCHEME, of: handle), schemes.contains(scheme) else {
            return "its scheme is not one of \(schemes.joined(separator: ", "))"
        }
        guard let host = asciiHost(of: handle) else {
            return "the name of its host is not ASCII, and libcurl cannot convert it (xn--...)"
        }
        return host.isEmpty ? "it has no host" : nil
    }

    /// Whether the text begins with a scheme (RFC 3986 §3.1) and two slashes.
    private static func hasScheme(_ text: String) -> Bool {
        let rest = text.utf8.drop { ASCII.isAlphanumeric($0) || "+-.".utf8.contains($0) }
        return rest.starts(with: "://".utf8)
    }

    /// The host and the port of a URL whose scheme is missing; nil if it has none. What follows may be secret.
    private static func authority(of text: String) -> String? {
        guard !text.hasPrefix("/"), let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, "http://" + text, 0) == CURLUE_OK,
            let host = part(CURLUPART_HOST, of: handle)
        else { return nil }
        return host + (part(CURLUPART_PORT, of: handle).map { ":\($0)" } ?? "")
    }

    /// The origin of a URL (RFC 6454 §4). Credentials are sent only to the origin that they were configured for.
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

    /// Resolves a `Location` (RFC 9110 §10.2.2), and removes its user and password: a server must not choose them.
    /// Nil if the result is not an http or https URL.
    static func resolve(_ reference: String, against base: String) -> String? {
        guard !reference.utf8.contains(0), let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        let reference = PercentEncoding.encodedNonASCII(reference.utf8)
        // A relative reference is resolved against the URL that the handle holds.
        guard curl_url_set(handle, CURLUPART_URL, base, 0) == CURLUE_OK,
            curl_url_set(handle, CURLUPART_URL, reference, UInt32(CURLU_URLENCODE)) == CURLUE_OK,
            let url = withoutCredentials(handle).flatMap(ascii)
        else { return nil }
        return complaint(about: url) == nil ? url : nil
    }

    /// Separates a valid URL from its user and password, which are percent-decoded.
    /// `credentials` is nil if the URL has neither.
    ///
    /// - Returns: nil if the decoded user or password is not UTF-8, or holds control characters.
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

    /// The URL without its user and password; nil if it is not a URL.
    static func withoutCredentials(_ text: String) -> String? {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, ccurl_url_any_scheme) == CURLUE_OK else { return nil }
        return withoutCredentials(handle)
    }

    private static func withoutCredentials(_ handle: OpaquePointer) -> String? {
        // Setting a part to nil removes it. https://curl.se/libcurl/c/curl_url_set.html
        for part in [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS] {
            guard curl_url_set(handle, part, nil, 0) == CURLUE_OK else { return nil }
        }
        return part(CURLUPART_URL, of: handle)
    }

    private static func hasPart(_ part: CURLUPart, of handle: OpaquePointer) -> Bool {
        self.part(part, of: handle) != nil
    }

    /// Nil if the URL has no such part, or if the decoded part is not UTF-8.
    static func part(_ part: CURLUPart, of handle: OpaquePointer, flags: UInt32 = 0) -> String? {
        // The caller frees the text. https://curl.se/libcurl/c/curl_url_get.html
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(validatingCString: text)
    }
}
