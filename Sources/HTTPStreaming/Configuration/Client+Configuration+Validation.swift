internal import Platform

extension Client.Configuration {
    func validate() throws(ClientError) {
        try headerFields.validate(allowing: [])
        try ClientError.require(
            Self.uploadBufferSizes.contains(uploadBufferSize), "uploadBufferSize is not between 16 KiB and 2 MiB")
        try ClientError.require(maximumRedirects >= 0, "maximumRedirects is negative")
        try retry.validate()
        try resumption.validate()
        try ClientError.require(journal == nil || resumption.isEnabled, "a journal is set without resumption")
        try contentCoding.validate()
        try ClientError.require(
            digest?.placement != .trailer || httpVersion != .http2PriorKnowledge,
            "a digest as a trailer is sent over HTTP/1.1 only, and httpVersion is http2PriorKnowledge")
        if let heartbeatInterval {
            try ClientError.require(
                heartbeatInterval >= .milliseconds(100) && contentCoding != .identity,
                "heartbeatInterval is less than 100 ms, or set without a content coding")
        }
        try Self.validate([
            ("connectTimeout", connectTimeout), ("stallTimeout", stallTimeout), ("requestTimeout", requestTimeout),
            ("expectTimeout", expectTimeout),
        ])
        try ClientError.require(
            maximumUploadBytesPerSecond ?? 1 > 0, "maximumUploadBytesPerSecond is not greater than zero")
        try ClientError.require(progressInterval >= .milliseconds(1), "progressInterval is less than 1 ms")
        try tls.validate()
        try proxy.validate()
        if let unixSocket, unixSocket.isEmpty || unixSocket.utf8.contains(0) {
            throw ClientError(.invalidConfiguration, "the path of the Unix socket is empty or contains a NUL")
        }
        try authentication.validate(headerFields)
    }

    static func validate(_ limits: [(name: String, limit: Duration?)]) throws(ClientError) {
        for (name, limit) in limits {
            try ClientError.require(limit ?? .seconds(1) > .zero, "\(name) is not greater than zero")
        }
    }
}

extension HeaderFields {
    /// - Parameter names: fields, in lower case, that may be given although the client sets them otherwise.
    func validate(allowing names: Set<String>) throws(ClientError) {
        let own: Set = ["content-type", "content-length", "content-encoding", "transfer-encoding", "expect"]
        for field in self {
            try ClientError.require(
                ASCII.isToken(field.name), "the name of a header field is not a token (RFC 9110 §5.6.2)")
            try ClientError.require(
                !own.subtracting(names).contains(field.name.lowercased()),
                "the header field \(field.name) is set by the client")
            try ClientError.require(
                !field.value.utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 },
                "the value of the header field \(field.name) contains CR, LF or NUL")
        }
    }
}
