internal import Platform

extension Client.Configuration {
    func validate() throws(ClientError) {
        try headerFields.validate(allowing: [])
        guard Self.uploadBufferSizes.contains(uploadBufferSize) else {
            throw ClientError(.invalidConfiguration, "uploadBufferSize is not between 16 KiB and 2 MiB")
        }
        guard maximumRedirects >= 0 else {
            throw ClientError(.invalidConfiguration, "maximumRedirects is negative")
        }
        try retry.validate()
        try contentCoding.validate()
        if let heartbeatInterval {
            guard heartbeatInterval >= .milliseconds(100), contentCoding != .identity else {
                throw ClientError(
                    .invalidConfiguration, "heartbeatInterval is less than 100 ms, or set without a content coding")
            }
        }
        guard connectTimeout > .zero else {
            throw ClientError(.invalidConfiguration, "connectTimeout is not greater than zero")
        }
        try Self.validate([("stallTimeout", stallTimeout), ("requestTimeout", requestTimeout)])
        guard maximumUploadBytesPerSecond.map({ $0 > 0 }) ?? true else {
            throw ClientError(.invalidConfiguration, "maximumUploadBytesPerSecond is not greater than zero")
        }
        guard progressInterval >= .milliseconds(1) else {
            throw ClientError(.invalidConfiguration, "progressInterval is less than 1 ms")
        }
        guard expectTimeout > .zero else {
            throw ClientError(.invalidConfiguration, "expectTimeout is not greater than zero")
        }
        try tls.validate()
        try proxy.validate()
        if let unixSocket, unixSocket.isEmpty || unixSocket.utf8.contains(0) {
            throw ClientError(.invalidConfiguration, "the path of the Unix socket is empty or contains a NUL")
        }
        try authentication.validate(headerFields)
    }

    static func validate(_ limits: [(name: String, limit: Duration?)]) throws(ClientError) {
        for (name, limit) in limits {
            guard limit.map({ $0 > .zero }) ?? true else {
                throw ClientError(.invalidConfiguration, "\(name) is not greater than zero")
            }
        }
    }
}

extension HeaderFields {
    /// - Parameter names: fields, in lower case, that may be given although the client sets them otherwise.
    func validate(allowing names: Set<String>) throws(ClientError) {
        let own: Set = ["content-type", "content-length", "content-encoding", "transfer-encoding", "expect"]
        for field in self {
            guard ASCII.isToken(field.name) else {
                throw ClientError(.invalidConfiguration, "the name of a header field is not a token (RFC 9110 §5.6.2)")
            }
            guard !own.subtracting(names).contains(field.name.lowercased()) else {
                throw ClientError(.invalidConfiguration, "the header field \(field.name) is set by the client")
            }
            guard !field.value.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) else {
                throw ClientError(
                    .invalidConfiguration, "the value of the header field \(field.name) contains CR, LF or NUL")
            }
        }
    }
}
