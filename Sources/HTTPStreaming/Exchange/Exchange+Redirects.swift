/// Redirects (RFC 9110 §15.4). They are not followed by libcurl, because it forwards header fields: see docs/LIBCURL.md.
extension Exchange {
    /// How to follow a redirect; nil if its response is the result.
    mutating func redirect(_ answer: TransferResponse) throws(ClientError) -> Next? {
        guard configuration.maximumRedirects > 0,
            let location = answer.encodedLocation ?? answer.headerFields.values(of: "Location").first,
            let target = CurlURL.resolve(location, against: url)
        else { return nil }
        guard mayFollow else {
            throw ClientError(
                .tooManyRedirects, "the server redirected more than \(redirects.count) times",
                bytesSent: answer.bytesSent)
        }
        guard let from = CurlURL.origin(of: url), let to = CurlURL.origin(of: target) else { return nil }
        // A body that was sent encrypted is never sent in the clear.
        guard from.scheme == to.scheme || to.scheme == "https" else { return nil }
        follow(answer.status, to: target)
        return .redirected(url: target, isSameOrigin: from == to)
    }

    var mayFollow: Bool { redirects.count < configuration.maximumRedirects }

    /// Counts a redirect, and reports it.
    ///
    /// - Parameter target: without credentials, as ``CurlURL/resolve(_:against:)`` returns it.
    mutating func follow(_ status: Int, to target: String) {
        redirects.append(UploadProgress.Redirect(status: status, url: target))
        var progress = counter.progress
        progress.redirects = redirects
        counter.report(progress)
    }
}
