internal import CCurl
internal import ContentCoding

/// What libcurl is told of a request.
extension Transfer {
    /// Bytes of a message that are worth waiting, a second at most, whether the server wants them.
    /// libcurl adds `Expect: 100-continue` to longer bodies of HTTP/1.1, and to all whose length it
    /// does not know. https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html
    static let expectThreshold: Int64 = 1 << 20

    /// Sets `easy` up for the request.
    func configure(_ request: TransferRequest, isLong: Bool) throws(CurlError) {
        let configuration = request.configuration
        try easy.reset()
        try easy.setCallbacks(self)
        try easy.set(CURLOPT_URL, request.url)
        try easy.allowHTTPOnly()
        try easy.setQuickExit()
        // Signals are the process's; see ``Agent``.
        try easy.set(CURLOPT_NOSIGNAL, 1)
        try easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try easy.set(CURLOPT_TCP_KEEPALIVE, 1)
        try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectMilliseconds)
        if request.isDuplex {
            // The chunks' framing is wanted too, to see the end of them.
            // https://curl.se/libcurl/c/CURLOPT_HTTP_TRANSFER_DECODING.html
            try easy.set(CURLOPT_HTTP_TRANSFER_DECODING, 0)
        }
        if let contentType = request.contentType {
            try configureBody(request, isLong: isLong)
            try headerList.append("Content-Type: \(contentType)")
            if let coding = configuration.contentCoding.coding {
                try headerList.append("Content-Encoding: \(coding.token)")
            }
        } else if request.method == .head {
            try easy.set(CURLOPT_NOBODY, 1)
        } else if request.method != .get {
            try easy.set(CURLOPT_CUSTOMREQUEST, request.method.description)
        }
        try addHeader("User-Agent", "http-streaming/0.1", unlessIn: configuration)
        if configuration.asksForCodings {
            try headerList.append("Accept-Encoding: \(Client.Configuration.acceptedCodings)")
        }
        for field in configuration.headerFields where request.maySendCredentials {
            // `Name:` would take the field out; an empty value is written with a semicolon.
            // https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
            try headerList.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        try easy.set(CURLOPT_HTTPHEADER, pointer: headerList.raw)
    }

    private func configureBody(_ request: TransferRequest, isLong: Bool) throws(CurlError) {
        let length = body.length
        // A length of -1 makes libcurl choose chunked, or plain frames with HTTP/2.
        // https://curl.se/libcurl/c/CURLOPT_POSTFIELDSIZE_LARGE.html
        if request.method == .post {
            try easy.set(CURLOPT_POST, 1)
            try easy.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: length ?? -1)
        } else {
            try easy.set(CURLOPT_UPLOAD, 1)
            try easy.set(CURLOPT_INFILESIZE_LARGE, offset: length ?? -1)
            try easy.set(CURLOPT_CUSTOMREQUEST, request.method.description)
        }
        if !isLong { try addHeader("Expect", "", unlessIn: request.configuration) }
        let sizes = Client.Configuration.uploadBufferSizes
        let needed = Int(min(length ?? .max, Int64(request.configuration.uploadBufferSize)))
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, max(needed, sizes.lowerBound))
    }

    /// - Parameter value: empty to have libcurl leave the field out.
    private func addHeader(
        _ name: String, _ value: String, unlessIn configuration: Client.Configuration
    ) throws(CurlError) {
        if configuration.headerFields[name] == nil { try headerList.append("\(name): \(value)") }
    }
}
