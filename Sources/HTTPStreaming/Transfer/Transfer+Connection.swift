internal import CCurl

/// The options of libcurl that concern the connection: proxy, TLS, authentication.
extension Transfer {
    func configureConnection(_ request: TransferRequest) throws(CurlError) {
        let configuration = request.configuration
        // libcurl sends trailer fields in chunked bodies only. https://curl.se/libcurl/c/CURLOPT_TRAILERFUNCTION.html
        let version = request.trailer == nil ? configuration.httpVersion : .http1
        try easy.set(CURLOPT_HTTP_VERSION, version.curlVersion)
        // An empty file name enables cookies, which the handle keeps in memory from its first request on.
        // https://curl.se/libcurl/c/CURLOPT_COOKIEFILE.html
        if configuration.cookies.isEnabled { try easy.set(CURLOPT_COOKIEFILE, "") }
        if let unixSocket = configuration.unixSocket { try easy.set(CURLOPT_UNIX_SOCKET_PATH, unixSocket) }
        switch configuration.proxy.kind {
        case .environment:
            break
        // An empty string stops libcurl from reading the environment variables.
        // https://curl.se/libcurl/c/CURLOPT_PROXY.html
        case .none:
            try easy.set(CURLOPT_PROXY, "")
        case .url(let url, let noProxy):
            try easy.set(CURLOPT_PROXY, CurlURL.ascii(url) ?? url)
            try easy.set(CURLOPT_NOPROXY, noProxy.joined(separator: ","))
        }
        try configureTLS(configuration.tls, request.clientCertificate)
    }

    private func configureTLS(
        _ tls: Client.TLS, _ clientCertificate: Client.TLS.ClientCertificate?
    ) throws(CurlError) {
        try easy.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        try easy.set(CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let caFile = tls.caFile {
            try easy.set(CURLOPT_CAINFO, caFile)
            try easy.set(CURLOPT_PROXY_CAINFO, caFile)
            // Otherwise libcurl also trusts the certificates in its default folder.
            // https://curl.se/libcurl/c/CURLOPT_CAPATH.html
            try easy.set(CURLOPT_CAPATH, pointer: nil)
            try easy.set(CURLOPT_PROXY_CAPATH, pointer: nil)
        }
        if !tls.verifiesCertificates {
            // https://curl.se/libcurl/c/CURLOPT_SSL_VERIFYHOST.html
            for option in [
                CURLOPT_SSL_VERIFYPEER, CURLOPT_SSL_VERIFYHOST, CURLOPT_PROXY_SSL_VERIFYPEER,
                CURLOPT_PROXY_SSL_VERIFYHOST,
            ] {
                try easy.set(option, 0)
            }
        }
        if !tls.pinnedPublicKeys.isEmpty {
            try easy.set(CURLOPT_PINNEDPUBLICKEY, tls.pinnedPublicKeys.joined(separator: ";"))
        }
        if let clientCertificate {
            try easy.set(CURLOPT_SSLCERT, clientCertificate.certificateFile)
            try easy.set(CURLOPT_SSLKEY, clientCertificate.keyFile)
            // Without a password OpenSSL asks for one on the terminal, and blocks this thread.
            // https://curl.se/libcurl/c/CURLOPT_KEYPASSWD.html
            try easy.set(CURLOPT_KEYPASSWD, clientCertificate.keyPassword ?? "")
        }
    }

    func configureAuthentication(_ authentication: Client.Authentication) throws(CurlError) {
        switch authentication.kind {
        case .none:
            break
        case .basic(let user, let password), .digest(let user, let password):
            try easy.set(CURLOPT_HTTPAUTH, authentication.isDigest ? ccurl_auth_digest : ccurl_auth_basic)
            try easy.set(CURLOPT_USERNAME, user)
            try easy.set(CURLOPT_PASSWORD, password)
        case .bearer(let token):
            try easy.set(CURLOPT_HTTPAUTH, ccurl_auth_bearer)
            try easy.set(CURLOPT_XOAUTH2_BEARER, token)
        }
    }
}

extension Client.HTTPVersion {
    /// https://curl.se/libcurl/c/CURLOPT_HTTP_VERSION.html
    fileprivate var curlVersion: Int {
        switch kind {
        case .automatic where MultiHandle.sendsHTTP2: Int(CURL_HTTP_VERSION_2TLS)
        case .automatic, .http1: Int(CURL_HTTP_VERSION_1_1)
        case .http2: Int(CURL_HTTP_VERSION_2TLS)
        case .http2PriorKnowledge: Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
        }
    }
}
