internal import CCurl
internal import ContentCoding

/// What libcurl is told of a request.
extension Transfer {
    /// Bytes of a message that are worth waiting, a second at most, whether the server wants them.
    /// libcurl adds `Expect: 100-continue` to longer bodies of HTTP/1.1, and to all whose length it
    /// does not know. https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html
    static let expectThreshold: Int64 = 1 << 20

    /// Bytes of a body that libcurl is given at once, if it is in memory anyway: it sends them with the
    /// header, in one packet, which is half of the work for both sides of a short request.
    private static let wholeLimit: Int64 = 16 << 10

    /// The whole body, read, if it is to be given to libcurl at once.
    func readWhole(_ request: TransferRequest) throws(CurlError) -> [UInt8]? {
        guard let length = body.length, length <= Self.wholeLimit, body.isInMemory,
            !request.mayExpect(isLong: false), !control.isPaused, control.maximumRate == nil
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        var count = 0
        while count < bytes.count {
            guard
                case .bytes(let more) = try? bytes.withUnsafeMutableBytes({
                    try body.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
                })
            else { throw CurlError(CURLE_READ_ERROR) }
            count += more
        }
        _ = machine.bodyRanDry()
        isGivenWhole = true
        return bytes
    }

    /// Sets `easy` up for the request.
    ///
    /// - Parameter whole: the body, if it is given to libcurl as a whole.
    func configure(
        _ request: TransferRequest, uploadBufferSize: Int, whole: [UInt8]?
    ) throws(CurlError) {
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
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.milliseconds)
        if request.isDuplex {
            // The chunks' framing is wanted too, to see the end of them.
            // https://curl.se/libcurl/c/CURLOPT_HTTP_TRANSFER_DECODING.html
            try easy.set(CURLOPT_HTTP_TRANSFER_DECODING, 0)
        }
        try configureConnection(request)
        try configureAuthentication(request.authentication)
        if let contentType = request.contentType {
            try configureBody(request, uploadBufferSize: uploadBufferSize, whole: whole)
            try headerList.append("Content-Type: \(contentType)")
            if let coding = configuration.contentCoding.coding {
                try headerList.append("Content-Encoding: \(coding.token)")
            }
        } else if request.method == .head {
            try easy.set(CURLOPT_NOBODY, 1)
        } else if request.method != .get {
            try easy.set(CURLOPT_CUSTOMREQUEST, request.method.description)
        }
        if request.headerFields["User-Agent"] == nil { try headerList.append("User-Agent: http-streaming/0.1") }
        if request.asksForCodings {
            try headerList.append("Accept-Encoding: \(Client.Configuration.acceptedCodings)")
        }
        for field in request.headerFields {
            // `Name:` would take the field out; an empty value, or one of blanks, which stand for
            // nothing (RFC 9110 §5.5), is written with a semicolon.
            // https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
            let isEmpty = field.value.utf8.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            try headerList.append(isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        try easy.set(CURLOPT_HTTPHEADER, pointer: headerList.raw)
    }

    private func configureBody(
        _ request: TransferRequest, uploadBufferSize: Int, whole: [UInt8]?
    ) throws(CurlError) {
        let length = body.length
        // A length of -1 makes libcurl choose chunked, or plain frames with HTTP/2.
        // https://curl.se/libcurl/c/CURLOPT_POSTFIELDSIZE_LARGE.html
        if let whole {
            try easy.setBody(whole)
            if request.method != .post { try easy.set(CURLOPT_CUSTOMREQUEST, request.method.description) }
        } else if request.method == .post {
            try easy.set(CURLOPT_POST, 1)
            try easy.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: length ?? -1)
        } else {
            try easy.set(CURLOPT_UPLOAD, 1)
            try easy.set(CURLOPT_INFILESIZE_LARGE, offset: length ?? -1)
            try easy.set(CURLOPT_CUSTOMREQUEST, request.method.description)
        }
        // The first line, so that it can be left out when it has been refused. Where it is empty,
        // libcurl sends none. https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html
        insistsOnExpect = request.configuration.expect == .always
        if insistsOnExpect {
            try headerList.append("Expect: 100-continue")
        } else if !request.mayExpect(isLong: isLong) {
            try headerList.append("Expect:")
        }
        try easy.set(CURLOPT_EXPECT_100_TIMEOUT_MS, request.configuration.expectTimeout.milliseconds)
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, uploadBufferSize)
    }
}
