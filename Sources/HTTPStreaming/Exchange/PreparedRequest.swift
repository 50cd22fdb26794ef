internal import Platform

/// A request that has been checked, and whose content has been opened and measured.
struct PreparedRequest: Sendable {
    let method: Client.Method
    /// Without a user and a password.
    let url: String
    /// What the request itself has, to be sent to the origin of its URL only.
    var headerFields: HeaderFields = [:]
    var authentication: Client.Authentication?
    var stallTimeout: Duration?
    var requestTimeout: Duration?
    /// The media type and the content coding of the body, which go with it to any origin; nil for none.
    var contentType: String?
    var contentEncoding: String?
    /// The body, through its content coding; nil for a request without one.
    let source: (any Source)?
}

extension PreparedRequest {
    /// Opens and measures the content of a request; suspends, and blocks no thread of the caller's.
    ///
    /// - Throws: ``ClientError`` for a request that cannot be sent.
    nonisolated(nonsending) init(_ request: Request, _ configuration: Client.Configuration) async throws {
        try ClientError.require(ASCII.isToken(request.method.description), "the method is not a token")
        let (url, credentials) = try CurlURL.check(request.url)
        self.url = url
        method = request.method
        headerFields = request.headerFields
        authentication = request.authentication
        if let credentials {
            guard (authentication ?? Client.Authentication.none) == Client.Authentication.none else {
                throw ClientError.twoCredentials
            }
            authentication = credentials
        }
        try authentication?.validate(headerFields)
        stallTimeout = request.stallTimeout
        requestTimeout = request.requestTimeout
        try Client.Configuration.validate([("stallTimeout", stallTimeout), ("requestTimeout", requestTimeout)])
        var allowed: Set = ["content-type"]
        if configuration.contentCoding == .identity { allowed.insert("content-encoding") }
        try headerFields.validate(allowing: allowed)
        if request.content != nil || method.impliesBody {
            (contentType, contentEncoding) = (headerFields["Content-Type"], headerFields["Content-Encoding"])
            (headerFields["Content-Type"], headerFields["Content-Encoding"]) = (nil, nil)
        }
        guard let content = request.content else {
            source = method.impliesBody ? MemorySource(bytes: [], isCompressed: false) : nil
            return
        }
        contentEncoding = contentEncoding ?? configuration.contentCoding.token
        try ClientError.require(method != .head, "a HEAD request takes no content")
        let plain = try await Preparation.run(configuration, mayBlock: content.mayBlock) {
            (preparation) throws(ClientError) in try content.prepare(preparation)
        }
        try ClientError.require(
            contentType == nil || plain.mediaType == nil, "the Content-Type of multipart content is the client's own")
        contentType = contentType ?? plain.mediaType ?? content.mediaType ?? MediaType.octetStream
        source = configuration.contentCoding.encoding(plain)
    }
}

extension Preparation {
    /// Runs `body` on a thread that may block, if it may block.
    nonisolated(nonsending) static func run<Result: Sendable>(
        _ configuration: Client.Configuration, mayBlock: Bool,
        _ body: @escaping @Sendable (Preparation) throws(ClientError) -> Result
    ) async throws -> Result {
        let recognizesCompressed = configuration.contentCoding.settings?.storesIncompressible ?? false
        guard mayBlock else { return try body(Preparation(recognizesCompressed: recognizesCompressed)) }
        return try await withTaskExecutorPreference(BlockingExecutor.shared) {
            try body(Preparation(recognizesCompressed: recognizesCompressed))
        }
    }
}
