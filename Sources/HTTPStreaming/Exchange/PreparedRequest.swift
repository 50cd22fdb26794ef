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
    /// The name of the file that is sent; nil for other content.
    var filename: Path?
    /// The body, through its content coding; nil for a request without one.
    var source: (any Source)?
    /// The digest of the body that is sent before it, as the value of a field.
    var digestField: String?
    /// The digest of the body, which is sent as a trailer field.
    var trailer: ContentDigest?
}

extension PreparedRequest {
    /// Adds a digest of the body; reads that once if the digest stands before it.
    ///
    /// - Parameter isWhole: whether the body is there before it is sent.
    nonisolated(nonsending) mutating func addDigest(_ setting: Client.Digest?, isWhole: Bool = true)
        async throws(ClientError)
    {
        guard let setting, let source else { return }
        let digest = ContentDigest(setting.algorithm)
        let isTrailer = setting.placement == .trailer
        let digested = DigestedSource(source, digest, isTrailer: isTrailer)
        guard !isTrailer else {
            self.source = digested
            trailer = digest
            return
        }
        guard isWhole, source.isRepeatable else {
            throw ClientError(
                .invalidConfiguration,
                "\(source.name): its digest cannot stand before it, because it cannot be read twice")
        }
        try await RequestBody.readThrough(digested)
        digestField = digest.fieldValue
    }
}

extension PreparedRequest {
    /// Opens and measures the content of a request; suspends, and blocks no thread of the caller's.
    ///
    /// - Throws: ``ClientError`` for a request that cannot be sent.
    nonisolated(nonsending) init(_ request: Request, _ configuration: Client.Configuration) async throws(ClientError) {
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
        filename = content.filename
        try ClientError.require(method != .head, "a HEAD request takes no content")
        let plain = try await Preparation.run(configuration, content.blocking) {
            (preparation) throws(ClientError) in try content.prepare(preparation)
        }
        try ClientError.require(
            contentType == nil || plain.mediaType == nil, "the Content-Type of multipart content is the client's own")
        contentType = contentType ?? plain.mediaType ?? content.mediaType ?? MediaType.octetStream
        source = configuration.contentCoding.encoding(plain)
        try ClientError.require(
            configuration.resumption.kind != .tus || method != .post || source?.length != nil,
            "\(plain.name): its length is not known, which an upload with tus needs")
        try await addDigest(configuration.digest)
    }
}

extension Preparation {
    /// Runs `body` on a thread that may block, unless it does not block now.
    nonisolated(nonsending) static func run<Result: Sendable>(
        _ configuration: Client.Configuration, _ blocking: Blocking,
        _ body: @escaping @Sendable (Preparation) throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        let recognizesCompressed = configuration.contentCoding.settings?.storesIncompressible ?? false
        let window = configuration.resumption.window
        let mayBlock =
            switch blocking {
            case .never: false
            // To recognize compressed content its first bytes are read.
            case .toOpen(let path): recognizesCompressed || !CachedFiles.contain(path)
            case .always: true
            }
        guard mayBlock else {
            return try body(Preparation(recognizesCompressed: recognizesCompressed, window: window))
        }
        return try await withTaskExecutorPreference(BlockingExecutor.shared) { () throws(ClientError) in
            try body(Preparation(recognizesCompressed: recognizesCompressed, window: window))
        }
    }
}
