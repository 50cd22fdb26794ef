internal import CCurl
internal import Platform

/// URLs with characters that are not ASCII. libcurl sends their bytes as they are, and converts the names of hosts by the
/// locale of the program: a program that has not called setlocale(3), or runs in a locale without UTF-8, could not use
/// them. https://curl.se/libcurl/c/CURLOPT_URL.html
extension CurlURL {
    /// The URL in ASCII: the name of its host as in DNS (RFC 5891 §4.4), all other bytes percent-encoded (RFC 3987 §3.1).
    /// Nil if it is not a URL, or if its host has no such name.
    static func ascii(_ url: String) -> String? {
        // Only a percent-encoded host could be another one in ASCII.
        let isPlain = ASCII.all(of: url) { $0 < 0x80 && $0 != UInt8(ascii: "%") }
        if isPlain { return url }
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        let url = PercentEncoding.encodedNonASCII(url.utf8)
        guard curl_url_set(handle, CURLUPART_URL, url, ccurl_url_any_scheme) == CURLUE_OK,
            let host = asciiHost(of: handle)
        else { return nil }
        // Without this check libcurl would write every URL anew.
        if host == part(CURLUPART_HOST, of: handle) { return url }
        guard curl_url_set(handle, CURLUPART_HOST, host, 0) == CURLUE_OK else { return nil }
        return part(CURLUPART_URL, of: handle)
    }

    /// The name of the host in ASCII, whatever the program's locale; empty if the URL has no host. Nil if the name has no
    /// such form, or if libcurl was built without support for such names or is older than 7.88.
    static func asciiHost(of handle: OpaquePointer) -> String? {
        // Making a locale takes longer than all the rest.
        if let host = part(CURLUPART_HOST, of: handle), ASCII.all(of: host, satisfy: { $0 < 0x80 }) { return host }
        var text: UnsafeMutablePointer<CChar>?
        let code = inUTF8 { curl_url_get(handle, CURLUPART_HOST, &text, ccurl_url_punycode) }
        defer { curl_free(text) }
        if code == CURLUE_NO_HOST { return "" }
        guard code == CURLUE_OK, let host = text.flatMap({ String(validatingCString: $0) }) else { return nil }
        return ASCII.all(of: host) { $0 < 0x80 } ? host : nil
    }

    /// Calls `body` in a locale with UTF-8. libcurl and libidn2 take text in the encoding of the thread's locale.
    /// https://man7.org/linux/man-pages/man3/uselocale.3.html
    private static func inUTF8<Result>(_ body: () -> Result) -> Result {
        guard let locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil) else { return body() }
        let previous = uselocale(locale)
        defer {
            uselocale(previous)
            freelocale(locale)
        }
        return body()
    }
}
