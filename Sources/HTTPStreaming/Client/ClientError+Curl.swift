internal import CCurl
internal import Platform

extension ClientError {
    /// Translates an error of libcurl.
    /// https://curl.se/libcurl/c/libcurl-errors.html
    init(_ error: CurlError, systemError: Int32 = 0) {
        let code: Code =
            switch error.code {
            case CURLE_URL_MALFORMAT: .invalidURL
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .hostNotFound
            case CURLE_COULDNT_CONNECT, CURLE_PROXY: .connectionFailed
            // libcurl 8.23 reports a private key that it cannot read this way.
            case CURLE_BAD_FUNCTION_ARGUMENT where error.detail.contains("private key"): .tls
            // With TLS 1.3 a server that refuses the client certificate, or its absence, does so after the handshake.
            case CURLE_SEND_ERROR where error.isAlert, CURLE_RECV_ERROR where error.isAlert: .tls
            case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2,
                CURLE_HTTP2_STREAM:
                .connectionLost
            case CURLE_OPERATION_TIMEDOUT: .timedOut
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
                CURLE_USE_SSL_FAILED, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_CRL_BADFILE,
                CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS,
                CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED,
                CURLE_SSL_CLIENTCERT:
                .tls
            // CURLE_UNSUPPORTED_PROTOCOL means an HTTP/0.9 response here: the URL's scheme was checked before.
            case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL: .invalidResponse
            case CURLE_SEND_FAIL_REWIND: .cannotSendAgain
            default: .transport
            }
        let underlying = systemError == 0 ? nil : SystemError(code: systemError)
        let message =
            switch (code, underlying) {
            case (.connectionLost, _): "the connection was lost: \(error)"
            case (.invalidResponse, _) where error.code == CURLE_UNSUPPORTED_PROTOCOL:
                "the response is not HTTP; the server may expect another protocol on this port, such as TLS"
            case (.connectionFailed, .some(let underlying)): "\(error) (\(underlying))"
            default: "\(error)"
            }
        self.init(code, message, curlCode: Int32(error.code.rawValue), underlying: underlying)
    }
}

extension CurlError {
    /// Whether a TLS alert (RFC 8446 §6) ended the connection.
    fileprivate var isAlert: Bool { detail.lowercased().contains(" alert ") }
}
