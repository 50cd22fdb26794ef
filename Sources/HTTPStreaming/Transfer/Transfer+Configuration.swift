internal import CCurl
internal import ContentCoding

/// The options of libcurl that depend on the request.
extension Transfer {
    /// Bodies of more bytes than this are sent with `Expect: 100-continue`: libcurl then waits for the server's consent,
    /// for ``Client/Configuration/expectTimeout`` at most.
    ///
    /// libcurl adds that field by itself to HTTP/1.1 requests: to longer bodies, to bodies of unknown length, and to all
    /// bodies of other methods than POST. https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html
    static let expectThreshold: Int64 = 1 << 20

    private static let userAgent = "User-Agent: http-streaming/\(libraryVersion)"
    private static let acceptEncoding = "Accept-Encoding: \(Client.Configuration.acceptedCodings)"

    /// Sets all options for the request.
    func configure(_ request: TransferRequest, uploadBufferSize: Int) throws(CurlError) {
        let lengthToCopy = lengthToCopy(request)
        try prepareHandle(for: request, copiesBody: lengthToCopy != nil) { () throws(CurlError) in
            try configure(request, uploadBufferSize: uploadBufferSize, copiesBody: lengthToCopy != nil)
        }
        if let lengthToCopy { try copyBody(lengthToCopy) }
        try setHeaderFields(request)
    }

    private func configure(
        _ request: TransferRequest, uploadBufferSize: Int, copiesBody: Bool
    ) throws(CurlError) {
        let configuration = request.configuration
        try easy.set(CURLOPT_URL, request.url)
        try easy.check(ccurl_easy_allow_http_only(easy.raw))
        // Removing the handle must not wait for a name lookup, which would block all transfers of the multi handle.
        // https://curl.se/libcurl/c/CURLOPT_QUICK_EXIT.html
        try easy.check(ccurl_easy_set_quick_exit(easy.raw))
        // libcurl must not change the signal handlers of the process.
        // https://curl.se/libcurl/c/CURLOPT_NOSIGNAL.html
        try easy.set(CURLOPT_NOSIGNAL, 1)
        try easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try easy.set(CURLOPT_TCP_KEEPALIVE, 1)
        // https://curl.se/libcurl/c/CURLOPT_FRESH_CONNECT.html
        if request.needsNewConnection { try easy.set(CURLOPT_FRESH_CONNECT, 1) }
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.milliseconds)
        if request.isDuplex {
            // ``ResponseFraming`` needs the framing of chunks, to find the end of the response.
            // https://curl.se/libcurl/c/CURLOPT_HTTP_TRANSFER_DECODING.html
            try easy.set(CURLOPT_HTTP_TRANSFER_DECODING, 0)
        }
        try configureConnection(request)
        try configureAuthentication(request.authentication)
        if !request.hasBody {
            switch request.method {
            case .head: try easy.set(CURLOPT_NOBODY, 1)
            case .get: break
            case let method: try easy.set(CURLOPT_CUSTOMREQUEST, method.description)
            }
        } else {
            try configureBody(request.method, copiesBody: copiesBody)
        }
        try easy.set(CURLOPT_EXPECT_100_TIMEOUT_MS, configuration.expectTimeout.milliseconds)
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, uploadBufferSize)
        if request.trailer != nil { try easy.setTrailerCallback() }
    }

    private func configureBody(_ method: Client.Method, copiesBody: Bool) throws(CurlError) {
        // With a length of -1 libcurl uses chunked framing, or plain frames with HTTP/2.
        // https://curl.se/libcurl/c/CURLOPT_POSTFIELDSIZE_LARGE.html
        let length = upload.body.length ?? -1
        if method != .post { try easy.set(CURLOPT_CUSTOMREQUEST, method.description) }
        if copiesBody { return }
        if method == .post {
            try easy.set(CURLOPT_POST, 1)
            try easy.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: length)
        } else {
            try easy.set(CURLOPT_UPLOAD, 1)
            try easy.set(CURLOPT_INFILESIZE_LARGE, offset: length)
        }
    }

    private func setHeaderFields(_ request: TransferRequest) throws(CurlError) {
        if request.hasBody {
            // `Expect` is the first line, so that it can be removed after a refusal. With an empty value libcurl sends no
            // such field. https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
            upload.hasOwnExpect = request.configuration.expect == .always
            if upload.hasOwnExpect {
                try upload.headerList.append("Expect: 100-continue")
            } else if !upload.isBodyCopied, !request.mayExpect(isLong: upload.isLong) {
                try upload.headerList.append("Expect:")
            }
            if let contentType = request.contentType {
                try upload.headerList.append("Content-Type: \(contentType)")
            } else {
                // Otherwise libcurl sends that of an HTML form.
                try upload.headerList.append("Content-Type:")
            }
            if let contentEncoding = request.contentEncoding {
                try upload.headerList.append("Content-Encoding: \(contentEncoding)")
            }
        }
        if request.headerFields["User-Agent"] == nil { try upload.headerList.append(Self.userAgent) }
        if request.asksForCodings { try upload.headerList.append(Self.acceptEncoding) }
        for field in request.headerFields {
            // `Name:` would remove the field. An empty value is written with a semicolon, as is one of white space, which
            // is not part of the value (RFC 9110 §5.5). https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
            let isEmpty = field.value.utf8.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            try upload.headerList.append(isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        try easy.set(CURLOPT_HTTPHEADER, pointer: upload.headerList.raw)
    }
}
