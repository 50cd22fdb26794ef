internal import CCurl

/// A code that libcurl returned, with what it wrote of the particulars.
struct CurlError: Error, CustomStringConvertible {
    let code: CURLcode
    let detail: String

    init(_ code: CURLcode, detail: String = "") {
        self.code = code
        self.detail = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
    }

    var description: String { detail }
}
