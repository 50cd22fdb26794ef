import Platform

/// Where an object store keeps files: a bucket, a prefix of its keys, and the address of the store.
public struct S3Location: Hashable, Sendable {
    /// How a URL names the bucket.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
    public enum Addressing: String, CaseIterable, Hashable, Sendable {
        /// In the path: `https://s3.example.org/BUCKET/KEY`.
        case path
        /// In the host name: `https://BUCKET.s3.example.org/KEY`.
        case virtual
    }

    public let bucket: String
    /// Of the keys of all objects: empty, or with a slash at its end.
    public let prefix: String
    public let region: String
    /// Of the URL of the bucket, without a slash at its end.
    private let scheme, host, path: String

    /// - Parameters:
    ///   - url: `s3://BUCKET` or `s3://BUCKET/PREFIX`.
    ///   - endpoint: the URL of the store, without a path; by default that of Amazon S3 in the region.
    ///   - region: goes into signatures. Stores of others often have `us-east-1`.
    ///   - addressing: by default `virtual` for Amazon S3, and `path` with an `endpoint`.
    /// - Returns: nil if the URL, the endpoint or the bucket's name is invalid.
    public init?(_ url: String, endpoint: String? = nil, region: String, addressing: Addressing? = nil) {
        guard url.hasPrefix("s3://"), !region.isEmpty,
            region.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || "-".utf8.contains($0) })
        else { return nil }
        let parts = url.dropFirst("s3://".count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let bucket = String(parts[0])
        guard (3...63).contains(bucket.utf8.count),
            bucket.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || "-._".utf8.contains($0) })
        else { return nil }
        let folders = (parts.count > 1 ? parts[1] : "").split(separator: "/")
        guard folders.allSatisfy({ !$0.hasPrefix(".") }) else { return nil }
        let endpoint = endpoint ?? "https://s3.\(region).amazonaws.com"
        guard let separator = endpoint.firstRange(of: "://") else { return nil }
        scheme = endpoint[..<separator.lowerBound].lowercased()
        var authority = endpoint[separator.upperBound...]
        if authority.hasSuffix("/") { authority = authority.dropLast() }
        guard ["http", "https"].contains(scheme), !authority.isEmpty,
            authority.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || "-._:[]".utf8.contains($0) })
        else { return nil }
        let isAmazon = authority.lowercased().hasSuffix(".amazonaws.com")
        switch addressing ?? (isAmazon ? .virtual : .path) {
        case .path: (host, path) = (String(authority), "/" + bucket)
        case .virtual: (host, path) = ("\(bucket).\(authority)", "")
        }
        self.bucket = bucket
        self.region = region
        prefix = folders.map { $0 + "/" }.joined()
    }

    /// The value of the header field `Host`: without the default port of the scheme.
    var hostField: String {
        let suffix = scheme == "https" ? ":443" : ":80"
        return host.hasSuffix(suffix) ? String(host.dropLast(suffix.count)) : host
    }

    var origin: String { "\(scheme)://\(host)" }

    /// The name of the file with this key: without the prefix. Cut at bytes: an accent behind the slash is part of the name.
    func name(of key: String) -> String { String(decoding: key.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) }

    /// The path of the URL of an object, percent-encoded.
    ///
    /// - Parameter key: nil for the bucket.
    func path(of key: String?) -> String {
        guard let key else { return path.isEmpty ? "/" : path }
        // Split at bytes: a slash followed by a combining accent is one character that does not equal a slash.
        let segments = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return path + "/" + segments.map { Substring($0).percentEncoded }.joined(separator: "/")
    }
}
