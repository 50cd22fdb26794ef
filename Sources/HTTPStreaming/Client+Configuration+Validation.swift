internal import Platform

extension Client.Configuration {
    func validate(_ method: Client.Method) throws(ClientError) {
        guard ASCII.isToken(method.description) else {
            throw ClientError(.invalidConfiguration, "the method is not a token")
        }
        for field in headerFields {
            guard ASCII.isToken(field.name) else {
                throw ClientError(.invalidConfiguration, "the name of a header field is not a token")
            }
            let own = ["content-type", "content-length", "content-encoding", "transfer-encoding", "expect"]
            guard !own.contains(field.name.lowercased()) else {
                throw ClientError(.invalidConfiguration, "the header field \(field.name) is the client's own")
            }
            guard !field.value.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) else {
                throw ClientError(
                    .invalidConfiguration, "the value of the header field \(field.name) holds a CR, LF or NUL"
                )
            }
        }
        guard Self.uploadBufferSizes.contains(uploadBufferSize) else {
            throw ClientError(.invalidConfiguration, "uploadBufferSize is not between 16 KiB and 2 MiB")
        }
        guard maximumRedirects >= 0 else {
            throw ClientError(.invalidConfiguration, "maximumRedirects is less than zero")
        }
        try retry.validate()
        try contentCoding.validate()
        if let keepAliveInterval {
            guard keepAliveInterval >= .milliseconds(100), contentCoding != .identity else {
                throw ClientError(
                    .invalidConfiguration, "keepAliveInterval is less than 100 ms, or there is no content coding"
                )
            }
        }
        guard connectTimeout > .zero else {
            throw ClientError(.invalidConfiguration, "connectTimeout is not more than zero")
        }
        for (name, limit) in [("stallTimeout", stallTimeout), ("requestTimeout", requestTimeout)] {
            guard limit.map({ $0 > .zero }) ?? true else {
                throw ClientError(.invalidConfiguration, "\(name) is not more than zero")
            }
        }
        guard maximumUploadRate.map({ $0 > 0 }) ?? true else {
            throw ClientError(.invalidConfiguration, "maximumUploadRate is not more than zero")
        }
        guard progressInterval >= .milliseconds(1) else {
            throw ClientError(.invalidConfiguration, "progressInterval is less than 1 ms")
        }
        guard expectTimeout > .zero else {
            throw ClientError(.invalidConfiguration, "expectTimeout is not more than zero")
        }
        try tls.validate()
        try proxy.validate()
        if let unixSocket, unixSocket.isEmpty || unixSocket.utf8.contains(0) {
            throw ClientError(.invalidConfiguration, "the path of the Unix socket is empty or holds a NUL")
        }
        try authentication.validate()
        guard authentication == .none || headerFields["Authorization"] == nil else {
            throw ClientError(
                .invalidConfiguration, "there is an authentication, and a header field Authorization besides")
        }
    }
}
