public import HTTPStreaming

extension Client {
    /// A client whose configuration differs from the default by `change`.
    public convenience init(_ method: Method, _ url: String, _ change: (inout Configuration) -> Void) throws {
        var configuration = Configuration()
        change(&configuration)
        try self.init(method, url, configuration: configuration)
    }
}

extension Client {
    /// A client without a URL whose configuration differs from the default by `change`.
    public convenience init(_ change: (inout Configuration) -> Void) throws {
        var configuration = Configuration()
        change(&configuration)
        try self.init(configuration: configuration)
    }
}

/// The error with which a client of such a configuration is refused; nil if it is not.
public func refusal(
    _ url: String = "http://localhost/", _ change: (inout Client.Configuration) -> Void = { _ in }
) -> ClientError? {
    do {
        _ = try Client(.post, url, change)
        return nil
    } catch { return error as? ClientError }
}

extension Part {
    /// A file of so many equal bytes.
    public static func filler(_ count: Int) -> Part { Part("file", .bytes([UInt8](repeating: 7, count: count))) }
}

extension Client {
    /// Sends one part, in an open request if `isUnclosed`.
    public func send(_ part: Part, isUnclosed: Bool) async throws -> Response {
        guard isUnclosed else { return try await send(part) }
        try await sendUnclosed(part)
        return try await close()
    }
}

extension Response {
    /// The status and the whole content, as one text to compare: `201 stored`.
    public func summary() async throws -> String { "\(status) \(try await text())" }
}

extension Client {
    /// Writes 20 lines to a server that echoes, each only when the one before has come back.
    ///
    /// - Returns: the response, whose content has been read.
    /// - Throws: ``FaultError`` when something else comes back.
    public func echoLines() async throws -> Response {
        let stream = try await open(contentType: "text/plain")
        let response = try await stream.response
        var iterator = response.body.makeAsyncIterator()
        for index in 0..<20 {
            let line = Array("line \(index)\n".utf8)
            guard try await stream.write(line) else { throw FaultError("line \(index) was not taken") }
            guard try await iterator.next() == line else { throw FaultError("line \(index) did not come back") }
        }
        stream.finish()
        guard try await iterator.next() == nil else { throw FaultError("more came back than the lines") }
        return response
    }
}
