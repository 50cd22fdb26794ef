internal import CCurl
internal import ContentCoding

/// What libcurl is told of a request.
extension Transfer {
    /// Bytes of a message that are worth waiting, a second at most, whether the server wants them.
    /// libcurl adds `Expect: 100-continue` to longer bodies of HTTP/1.1, to all whose length it
    /// does not know, and to those of any length that it is not asked to POST. https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html
    static let expectThreshold: Int64 = 1 << 20

    private static let userAgent = "User-Agent: http-streaming/\(libraryVersion)"
    private static let acceptEncoding = "Accept-Encoding: \(Client.Configuration.acceptedCodings)"

    /// Bytes of a body that libcurl is given at once, if it is in memory anyway: it sends them with the
    /// header, in one packet, which is half of the work for both sides of a short request.
    private static let wholeLimit: Int64 = 16 << 10

    /// The length of the body, if that is to be given to libcurl at once.
    private func wholeLength(_ request: TransferRequest) -> Int? {
        guard let length = upload.body.length, length <= Self.wholeLimit, upload.body.isInMemory,
            !request.mayExpect(isLong: false), !upload.control.isPaused, upload.control.maximumRate == nil
        else { return nil }
        return Int(length)
    }

    /// Gives libcurl the whole body.
    private func giveBody(_ length: Int) throws(CurlError) {
        try withUnsafeTemporaryAllocation(byteCount: max(1, length), alignment: 1) { buffer throws(CurlError) in
            let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
            var count = 0
            while count < length {
                guard case .bytes(let more) = try? upload.body.read(into: .init(rebasing: bytes[count...]))
                else { throw CurlError(CURLE_READ_ERROR) }
                count += more
            }
            try easy.setBody(bytes)
        }
        machine.bodyEnded()
        upload.isGivenWhole = true
    }

    /// Sets `easy` up for the request.
    func configure(_ request: TransferRequest, uploadBufferSize: Int) throws(CurlError) {
        let whole = request.hasBody ? wholeLength(request) : nil
        // What is streamed is told anew, and with digest authentication libcurl keeps how far that has got.
        let isAlike = (whole != nil || !request.hasBody) && !request.authentication.isDigest
        let purpose = EasyHandle.Purpose(
            method: request.method, url: request.url, authentication: request.authentication,
            sendsClientCertificate: request.clientCertificate != nil, hasBody: request.hasBody)
        try easy.prepare(for: isAlike ? purpose : nil) { () throws(CurlError) in
            try configure(request, uploadBufferSize: uploadBufferSize, isWhole: whole != nil)
        }
        if let whole { try giveBody(whole) }
        try setHeaderFields(request)
    }

    private func configure(
        _ request: TransferRequest, uploadBufferSize: Int, isWhole: Bool
    ) throws(CurlError) {
        let configuration = request.configuration
        try easy.set(CURLOPT_URL, request.url)
        try easy.allowHTTPOnly()
        try easy.setQuickExit()
        // Signals are the process's; see ``NativeThread``.
        try easy.set(CURLOPT_NOSIGNAL, 1)
        try easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try easy.set(CURLOPT_TCP_KEEPALIVE, 1)
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.milliseconds)
        if request.isDuplex {
            // The chunks' framing is wanted too, to see the end of them.
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
            try configureBody(request.method, isWhole: isWhole)
        }
        try easy.set(CURLOPT_EXPECT_100_TIMEOUT_MS, configuration.expectTimeout.milliseconds)
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, uploadBufferSize)
    }

    private func configureBody(_ method: Client.Method, isWhole: Bool) throws(CurlError) {
        // A length of -1 makes libcurl choose chunked, or plain frames with HTTP/2.
        // https://curl.se/libcurl/c/CURLOPT_POSTFIELDSIZE_LARGE.html
        let length = upload.body.length ?? -1
        if method != .post { try easy.set(CURLOPT_CUSTOMREQUEST, method.description) }
        if isWhole { return }
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
            // The first line, so that it can be left out when it has been refused. With an empty value libcurl sends
            // none. https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
            upload.hasOwnExpect = request.configuration.expect == .always
            if upload.hasOwnExpect {
                try upload.headerList.append("Expect: 100-continue")
            } else if !upload.isGivenWhole, !request.mayExpect(isLong: upload.isLong) {
                try upload.headerList.append("Expect:")
            }
            if let contentType = request.contentType {
                try upload.headerList.append("Content-Type: \(contentType)")
            } else if request.headerFields["Content-Type"] == nil {
                // libcurl would name that of an HTML form.
                try upload.headerList.append("Content-Type:")
            }
            if let coding = request.configuration.contentCoding.coding {
                try upload.headerList.append("Content-Encoding: \(coding.token)")
            }
        }
        if request.headerFields["User-Agent"] == nil { try upload.headerList.append(Self.userAgent) }
        if request.asksForCodings { try upload.headerList.append(Self.acceptEncoding) }
        for field in request.headerFields {
            // `Name:` would take the field out; an empty value, or one of blanks, which stand for
            // nothing (RFC 9110 §5.5), is written with a semicolon.
            // https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
            let isEmpty = field.value.utf8.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            try upload.headerList.append(isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        try easy.set(CURLOPT_HTTPHEADER, pointer: upload.headerList.raw)
    }
}
