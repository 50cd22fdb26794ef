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

extension CurlError {
    /// What is wrong with a response, where a transfer ended with an error that stands for other things too.
    var complaintAboutResponse: String? {
        switch code {
        // Otherwise a connection that broke.
        case CURLE_RECV_ERROR where detail.contains("chunk"):
            "the response is malformed, as chunked: \(detail)"
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            "the response is malformed: \(detail)"
        // A continuation line that continues nothing.
        case CURLE_BAD_FUNCTION_ARGUMENT:
            "the response is malformed: its header cannot be read"
        // libcurl's word for a line of more than 100 KiB, up to 8.5; then it is CURLE_TOO_LARGE.
        case CURLE_OUT_OF_MEMORY:
            "the header of the response is too long"
        case CURLcode(100),
            CURLE_RECV_ERROR where detail.contains("response header"):
            "the header of the response is too long: \(detail)"
        default:
            nil
        }
    }
}
