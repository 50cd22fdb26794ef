internal import CCurl

/// The header lines of a request. libcurl does not copy the list, so it must outlive the transfer.
/// https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
final class HeaderList {
    private(set) var raw: UnsafeMutablePointer<curl_slist>?

    /// - Parameter line: `Name: value`, or `Name:` to suppress a field that libcurl would send by itself.
    func append(_ line: String) throws(CurlError) {
        // Passing the String directly would copy the text once more.
        guard let longer = line.withCString({ curl_slist_append(raw, $0) }) else {
            throw CurlError(CURLE_OUT_OF_MEMORY)
        }
        raw = longer
    }

    deinit { curl_slist_free_all(raw) }
}
