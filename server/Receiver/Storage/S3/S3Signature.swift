import Crypto
import Foundation
import Platform

/// Signs requests with Amazon's Signature Version 4, in header fields.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
///
/// libcurl can sign too, but before version 8.3 it signs the query as it is written, and a query such as `?uploads` needs
/// another form.
struct S3Signature {
    let credentials: S3Credentials
    let region: String
    let time: Timestamp
    /// `s3`; tests use that of the examples in the documentation.
    var service = "s3"

    /// The hexadecimal SHA-256 of no bytes.
    static let emptyHash = SHA256.hash(data: [UInt8]()).hexadecimal

    /// All fields to send, `fields` included.
    ///
    /// - Parameters:
    ///   - path: percent-encoded.
    ///   - query: percent-encoded names and values.
    ///   - fields: those to sign, besides `Host` and the ones that are added here.
    ///   - contentHash: the hexadecimal SHA-256 of the content.
    func fields(
        _ method: String, host: String, path: String, query: [(name: String, value: String)],
        _ fields: [(name: String, value: String)], contentHash: String
    ) -> [(name: String, value: String)] {
        let date = time.rfc3339.filter { $0 != "-" && $0 != ":" }
        var fields = fields + [("x-amz-content-sha256", contentHash), ("x-amz-date", date)]
        if let token = credentials.sessionToken { fields.append(("x-amz-security-token", token)) }
        let signed = (fields + [("host", host)]).map { (name: $0.name.lowercased(), value: Self.trimmed($0.value)) }
            .sorted { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        let canonical = [
            method, path, Self.canonical(query), signed.map { "\($0.name):\($0.value)\n" }.joined(), names, contentHash,
        ].joined(separator: "\n")
        let day = String(date.prefix(8))
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n\(SHA256.hash(data: Array(canonical.utf8)).hexadecimal)"
        let key = [day, region, service, "aws4_request"].reduce(Array("AWS4\(credentials.secretKey)".utf8)) {
            Self.code($1, key: $0)
        }
        fields.append(
            (
                "authorization",
                """
                AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(names), \
                Signature=\(Self.code(text, key: key).hexadecimal)
                """
            ))
        return fields
    }

    /// In the order of the bytes of the names.
    static func canonical(_ query: [(name: String, value: String)]) -> String {
        query.sorted { ($0.name, $0.value) < ($1.name, $1.value) }.map { "\($0.name)=\($0.value)" }
            .joined(separator: "&")
    }

    private static func code(_ text: String, key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
    }

    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }
}
