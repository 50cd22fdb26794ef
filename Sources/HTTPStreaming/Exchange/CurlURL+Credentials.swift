extension CurlURL {
    /// Checks the URL of a request, and separates it from its credentials.
    ///
    /// - Returns: the URL in ASCII; see ``ascii(_:)``.
    /// - Throws: ``ClientError/Code/invalidURL``; the message does not contain the URL.
    static func check(_ text: String) throws(ClientError) -> (url: String, credentials: Client.Authentication?) {
        if let complaint = complaint(about: text) { throw ClientError(.invalidURL, "malformed URL: \(complaint)") }
        guard let (plain, credentials) = separate(text), let url = ascii(plain) else {
            throw ClientError(
                .invalidURL, "malformed URL: its user or password is not UTF-8 or contains a control character")
        }
        return (url, credentials.map { .basic(user: $0.user, password: $0.password) })
    }
}
