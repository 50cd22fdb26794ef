import Foundation
import Platform

/// The keys that sign requests to an object store.
public struct S3Credentials: Hashable, Sendable {
    public let accessKey: String
    let secretKey: String
    /// Of credentials that expire.
    let sessionToken: String?

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        (self.accessKey, self.secretKey, self.sessionToken) = (accessKey, secretKey, sessionToken)
    }

    /// Why there are no credentials, in one line.
    public struct Missing: Error, CustomStringConvertible {
        public let description: String
    }

    /// Finds them where Amazon's tools do: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, or else
    /// the profile `AWS_PROFILE` (`default`) of the file `AWS_SHARED_CREDENTIALS_FILE` (`~/.aws/credentials`). Blocks.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>
    public static func find(in environment: [String: String]) throws(Missing) -> S3Credentials {
        if let accessKey = environment["AWS_ACCESS_KEY_ID"], let secretKey = environment["AWS_SECRET_ACCESS_KEY"] {
            return S3Credentials(
                accessKey: accessKey, secretKey: secretKey, sessionToken: environment["AWS_SESSION_TOKEN"])
        }
        let path = file("AWS_SHARED_CREDENTIALS_FILE", "credentials", environment)
        let profile = environment["AWS_PROFILE"] ?? "default"
        let settings = settings(of: profile, inFile: path)
        guard let accessKey = settings["aws_access_key_id"], let secretKey = settings["aws_secret_access_key"] else {
            throw Missing(
                description: """
                    no credentials for the object store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write the \
                    profile \(profile) into \(path)
                    """)
        }
        return S3Credentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: settings["aws_session_token"])
    }

    /// Finds the region in the same way: `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile in the file `AWS_CONFIG_FILE`
    /// (`~/.aws/config`). Blocks.
    public static func region(in environment: [String: String]) -> String? {
        if let region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] { return region }
        let profile = environment["AWS_PROFILE"] ?? "default"
        let section = profile == "default" ? profile : "profile \(profile)"
        return settings(of: section, inFile: file("AWS_CONFIG_FILE", "config", environment))["region"]
    }

    private static func file(_ variable: String, _ name: String, _ environment: [String: String]) -> String {
        environment[variable] ?? "\(environment["HOME"] ?? "")/.aws/\(name)"
    }

    private static func settings(of section: String, inFile path: String) -> [String: String] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [:] }
        var (settings, isInSection): ([String: String], Bool) = ([:], false)
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("["), line.hasSuffix("]") {
                isInSection = line.dropFirst().dropLast().trimmingCharacters(in: .whitespaces) == section
            } else if isInSection, let equals = line.firstIndex(of: "="), !line.hasPrefix("#"), !line.hasPrefix(";") {
                settings[line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()] =
                    line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            }
        }
        return settings
    }
}
