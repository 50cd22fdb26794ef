public import HTTPStreaming

extension Client {
    /// A client whose configuration differs from the default by `change`.
    public convenience init(_ method: Method, _ url: String, _ change: (inout Configuration) -> Void) throws {
        var configuration = Configuration()
        change(&configuration)
        try self.init(method, url, configuration: configuration)
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

extension Response {
    /// The status and the whole content, as one text to compare: `201 stored`.
    public func summary() async throws -> String { "\(status) \(try await text())" }
}
