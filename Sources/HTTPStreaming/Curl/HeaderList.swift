internal import CCurl

/// The request's own header lines, which libcurl reads but does not copy: they must outlive the
/// transfer. https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
final class HeaderList {
    private(set) var raw: UnsafeMutablePointer<curl_slist>?

    /// - Parameter line: `Name: value`, or `Name:` to leave out a field that libcurl would send.
    func append(_ line: String) throws(CurlError) {
        // Passed on as it is, the text would be copied once more.
        guard let longer = line.withCString({ curl_slist_append(raw, $0) }) else {
            throw CurlError(CURLE_OUT_OF_MEMORY)
        }
        raw = longer
    }

    deinit { curl_slist_free_all(raw) }
}
