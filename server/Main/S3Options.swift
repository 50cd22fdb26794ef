public import ArgumentParser
import Foundation
public import Receiver

/// Where files go instead of a directory.
struct S3Options: ParsableArguments {
    static let names = [
        "--storage", "--s3-endpoint", "--s3-region", "--s3-addressing", "--temporary-dir", "--abandoned-age",
    ]

    @Option(
        help: ArgumentHelp(
            """
            Store files in an object store that speaks the API of Amazon S3, instead of --dir. Credentials come from \
            AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials.
            """,
            valueName: "s3://bucket/prefix"))
    var storage: String?

    @Option(help: ArgumentHelp("The URL of the object store. Default: that of Amazon S3.", valueName: "url"))
    var s3Endpoint: String?

    @Option(
        help: ArgumentHelp(
            "The region of the object store. Default: AWS_REGION, ~/.aws/config, or us-east-1.", valueName: "region"))
    var s3Region: String?

    @Option(
        help: ArgumentHelp(
            """
            Whether URLs have the bucket in their path or in their host name (virtual). Default: virtual for Amazon S3, path \
            with --s3-endpoint.
            """))
    var s3Addressing: S3Location.Addressing?

    @Option(
        help: ArgumentHelp(
            """
            The directory for parts of uploads on their way to the object store: 32 MiB for each upload. Default: TMPDIR, \
            or /tmp.
            """,
            valueName: "dir"))
    var temporaryDir: String?

    @Option(
        help: ArgumentHelp(
            """
            Remove what servers that were killed have left in the object store, if no part was added to it for SECONDS. \
            Longer than any request with several files takes: its first files wait for the last one.
            """,
            valueName: "seconds"))
    var abandonedAge = 86_400

    /// Nil without `--storage`. Reads files.
    func storage(keepsPaths: Bool) throws -> S3Storage? {
        guard let url = storage else { return nil }
        let environment = ProcessInfo.processInfo.environment
        let region = s3Region ?? S3Credentials.region(in: environment) ?? "us-east-1"
        guard let location = S3Location(url, endpoint: s3Endpoint, region: region, addressing: s3Addressing) else {
            throw ValidationError("--storage, --s3-endpoint or --s3-region is invalid")
        }
        return try S3Storage(
            location, keepsPaths: keepsPaths,
            temporaryFolder: temporaryDir ?? environment["TMPDIR"] ?? "/tmp",
            abandonedAge: .seconds(abandonedAge)
        ) { () throws(S3Credentials.Missing) in try S3Credentials.find(in: environment) }
    }

    func validate() throws {
        let others = [s3Endpoint, s3Region, s3Addressing?.rawValue, temporaryDir]
        guard storage != nil || others.allSatisfy({ $0 == nil }) else {
            throw ValidationError("--s3-endpoint, --s3-region, --s3-addressing and --temporary-dir need --storage")
        }
        guard abandonedAge >= 0 else { throw ValidationError("--abandoned-age must not be negative") }
    }
}

extension S3Location.Addressing: ExpressibleByArgument {}
