internal import CCurl

/// An error code from libcurl, with the details that libcurl wrote to its error buffer.
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
    /// What is wrong with the response, if that is why the transfer failed; nil for other failures.
    ///
    /// libcurl uses some of these codes for other errors too, so this must be read only after a byte of a response was
    /// received.
    var responseProblem: String? {
        switch code {
        // Without "chunk" in the details, this code means that the connection was lost.
        case CURLE_RECV_ERROR where detail.contains("chunk"):
            "the response is malformed: invalid chunked framing: \(detail)"
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            "the response is malformed: \(detail)"
        // The first header line begins with white space, so it continues no other line.
        case CURLE_BAD_FUNCTION_ARGUMENT:
            "the response is malformed: its header cannot be parsed"
        case _ where meansLongHeader:
            "the header of the response is too long: a line of it has more than 100 KiB"
        case CURLE_RECV_ERROR where detail.contains("response header"):
            "the header of the response is too long: \(detail)"
        default:
            nil
        }
    }

    /// Whether the peer answered the beginning of a TLS handshake with something that is not TLS: the words of OpenSSL, which
    /// LibreSSL and BoringSSL share, and of GnuTLS.
    var meansPlainPeer: Bool {
        code == CURLE_SSL_CONNECT_ERROR
            && ["wrong version number", "WRONG_VERSION_NUMBER", "unexpected TLS packet"].contains {
                detail.contains($0)
            }
    }

    /// Whether a line of the response's header, which may be its first, is longer than libcurl's limit of 100 KiB. To be
    /// read only after the request was sent. Up to 8.5 libcurl returns CURLE_OUT_OF_MEMORY, later versions CURLE_TOO_LARGE
    /// (100).
    var meansLongHeader: Bool { code == CURLE_OUT_OF_MEMORY || code == CURLcode(100) }
}
