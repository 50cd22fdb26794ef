import Platform
import Testing

@testable import Receiver

/// The examples of <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
@Suite("Signatures for object stores")
struct S3SignatureTests {
    private func authorization(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [],
        _ fields: [(name: String, value: String)] = [], contentHash: String = S3Signature.emptyHash
    ) throws -> String {
        let signature = S3Signature(
            credentials: S3Credentials(
                accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            region: "us-east-1", time: try #require(Timestamp(rfc3339: "2013-05-24T00:00:00Z")))
        let signed = signature.fields(
            method, host: "examplebucket.s3.amazonaws.com", path: path, query: query, fields, contentHash: contentHash)
        return try #require(signed.last { $0.name == "authorization" }).value
    }

    @Test("a range of an object") func range() throws {
        #expect(
            try authorization("GET", "/test.txt", [("Range", "bytes=0-9")])
                == """
                AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
                SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
                Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41
                """)
    }

    @Test("an object that is stored") func put() throws {
        let fields = [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")]
        let signed = try authorization(
            "PUT", "/" + "test$file.text".percentEncoded, fields,
            contentHash: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
        #expect(signed.hasSuffix("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
    }

    @Test("queries, with a name alone and with several in any order") func queries() throws {
        #expect(
            try authorization("GET", "/", query: [("lifecycle", "")]).hasSuffix(
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"))
        #expect(
            try authorization("GET", "/", query: [("prefix", "J"), ("max-keys", "2")]).hasSuffix(
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
    }

    @Test("the token of temporary credentials is signed and sent") func token() throws {
        let signature = S3Signature(
            credentials: S3Credentials(accessKey: "a", secretKey: "b", sessionToken: "t"), region: "r",
            time: Timestamp(seconds: 0))
        let fields = signature.fields("GET", host: "h", path: "/", query: [], [], contentHash: S3Signature.emptyHash)
        #expect(fields.contains { $0 == ("x-amz-security-token", "t") })
        #expect(
            fields.last?.value.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")
                == true)
    }
}
