/// One request: a method, a URL, header fields and content.
///
/// ```swift
/// let request = Request(.put, "https://example.org/big.bin", content: .file("big.bin"))
/// let response = try await client.send(request)
/// ```
public struct Request: Sendable {
    /// In the request line; checked when the request is sent.
    public var method: Client.Method
    /// Absolute, `http` or `https`. A user and a password in it, percent-encoded, are the same as
    /// ``Client/Authentication/basic(user:password:)``.
    public var url: String
    /// Sent in place of the fields of the same names in ``Client/Configuration/headerFields``, and besides the others.
    /// May hold a Content-Type, unless the content is multipart, and a Content-Encoding for content that is
    /// encoded already, unless the client encodes it. Only these two are sent to another origin after a redirect.
    public var headerFields: HeaderFields
    /// The body; nil for none, which for POST, PUT and PATCH is a body of length 0.
    public var content: Content?
    /// Takes the place of ``Client/Configuration/authentication``; nil, the default, for that one.
    public var authentication: Client.Authentication?
    /// Takes the place of ``Client/Configuration/stallTimeout``; nil, the default, for that one. For no
    /// limit, give a very long one.
    public var stallTimeout: Duration?
    /// Takes the place of ``Client/Configuration/requestTimeout``; nil, the default, for that one.
    public var requestTimeout: Duration?

    /// - Parameters:
    ///   - method: GET by default.
    ///   - url: absolute, `http` or `https`; checked when the request is sent.
    ///   - headerFields: besides those of the client; checked when the request is sent.
    ///   - content: the body; none by default.
    public init(
        _ method: Client.Method = .get, _ url: String, headerFields: HeaderFields = [:], content: Content? = nil
    ) {
        self.method = method
        self.url = url
        self.headerFields = headerFields
        self.content = content
    }
}
