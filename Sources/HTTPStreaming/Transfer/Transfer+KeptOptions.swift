// The libcurl options of a client stay set for its next request, if that needs the same ones and the last one was
// successful. Setting them takes much of the processor time of a short request.
//
// `make bench-requests`: a part of the way from 0.69 to 0.8 of the rate of curl_easy_perform with requests of 1 KiB.

extension Transfer {
    /// Prepares the handle, and calls `configure` unless its options are already set for such a request.
    ///
    /// - Parameter copiesBody: whether libcurl gets a copy of the whole body. The options of other bodies are always set
    ///   again, as are those of digest authentication, where libcurl keeps the state of the handshake.
    func prepareHandle(
        for request: TransferRequest, copiesBody: Bool, _ configure: () throws(CurlError) -> Void
    ) throws(CurlError) {
        let mayKeep =
            (copiesBody || !request.hasBody) && !request.authentication.isDigest && !request.needsNewConnection
        let setup = EasyHandle.Setup(
            method: request.method.description, url: request.url, credentials: request.authentication.credentials,
            sendsClientCertificate: request.clientCertificate != nil, hasBody: request.hasBody)
        try easy.prepare(for: mayKeep ? setup : nil, configure)
    }
}

extension Client.Authentication {
    fileprivate var credentials: [String] {
        switch kind {
        case .none: []
        case .basic(let user, let password): ["basic", user, password]
        case .digest(let user, let password): ["digest", user, password]
        case .bearer(let token): ["bearer", token]
        }
    }
}
