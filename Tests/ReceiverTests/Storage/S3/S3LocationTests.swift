import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Location and credentials of an object store")
struct S3LocationTests {
    @Test("URLs of Amazon S3 have the bucket in the host name, others in the path; either can be chosen")
    func addressing() throws {
        let amazon = try #require(S3Location("s3://my-bucket/a//b/", region: "eu-central-1"))
        #expect(amazon.origin == "https://my-bucket.s3.eu-central-1.amazonaws.com")
        #expect(amazon.hostField == "my-bucket.s3.eu-central-1.amazonaws.com")
        #expect(amazon.prefix == "a/b/")
        #expect(amazon.path(of: nil) == "/")
        #expect(amazon.path(of: "a/b/ä +%?/c") == "/a/b/%C3%A4%20%2B%25%3F/c")
        let other = try #require(S3Location("s3://my.bucket", endpoint: "HTTP://[::1]:9000/", region: "x"))
        #expect(other.origin == "http://[::1]:9000" && other.hostField == "[::1]:9000")
        #expect(other.prefix == "")
        #expect(other.path(of: nil) == "/my.bucket" && other.path(of: "k") == "/my.bucket/k")
        let virtual = try #require(
            S3Location("s3://bucket", endpoint: "https://s.example.org:443", region: "x", addressing: .virtual))
        #expect(virtual.origin == "https://bucket.s.example.org:443")
        #expect(virtual.hostField == "bucket.s.example.org")
    }

    @Test(
        "what is not such a URL is refused",
        arguments: [
            ("http://bucket", nil, "r"), ("s3://", nil, "r"), ("s3://a", nil, "r"), ("s3://a b c", nil, "r"),
            ("s3://bucket/.hidden", nil, "r"), ("s3://bucket", "s.example.org", "r"),
            ("s3://bucket", "ftp://s.example.org", "r"), ("s3://bucket", "http://user@host", "r"),
            ("s3://bucket", "http://host/path", "r"), ("s3://bucket", "http://", "r"), ("s3://bucket", nil, "a b"),
        ] as [(String, String?, String)])
    func refused(url: String, endpoint: String?, region: String) {
        #expect(S3Location(url, endpoint: endpoint, region: region) == nil)
    }

    @Test("credentials come from the environment or from a profile of a file") func credentials() throws {
        #expect(
            try S3Credentials.find(in: [
                "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c",
            ])
                == S3Credentials(accessKey: "a", secretKey: "b", sessionToken: "c"))
        let home = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: home.path(".aws"), withIntermediateDirectories: false)
        try home.write(
            """
            # comment
            [default]
            aws_access_key_id = AKID
            aws_secret_access_key=secret=/+

            [other]
            aws_access_key_id=OTHER
            aws_secret_access_key=x
            """.utf8, to: ".aws/credentials")
        try home.write("[default]\nregion = eu-west-1\n[profile other]\nregion=us-west-2\n".utf8, to: ".aws/config")
        let environment = ["HOME": home.path]
        #expect(
            try S3Credentials.find(in: environment) == S3Credentials(accessKey: "AKID", secretKey: "secret=/+"))
        #expect(S3Credentials.region(in: environment) == "eu-west-1")
        let other = environment.merging(["AWS_PROFILE": "other"]) { $1 }
        #expect(try S3Credentials.find(in: other).accessKey == "OTHER")
        #expect(S3Credentials.region(in: other) == "us-west-2")
        let error = #expect(throws: S3Credentials.Missing.self) {
            try S3Credentials.find(in: environment.merging(["AWS_PROFILE": "none"]) { $1 })
        }
        #expect(error?.description.contains("AWS_ACCESS_KEY_ID") == true)
    }

    @Test("parts grow so that 10,000 of them have more than 5 TiB, and none more than 5 GiB") func parts() {
        let sizes = (1...10_000).map { S3File.size(ofPart: $0) }
        #expect(sizes.reduce(0, +) > 5 << 40)
        #expect(sizes.first == 8 << 20 && sizes.max()! <= 5 << 30)
        #expect(sizes == sizes.sorted())
    }
}
