import ContentCoding
import Crypto
import Foundation
import Platform
import TestSupport
import Testing

@testable import Receiver

/// Digests of bodies and parts that clients send (RFC 9530).
@Suite("Digests of uploads", .timeLimit(.minutes(2)))
struct DigestTests {
    private static let content = Array("some content\n".utf8)

    /// A member of a digest field, computed by another implementation than the server's queue.
    private static func digest(_ algorithm: DigestAlgorithm, _ bytes: some Sequence<UInt8>) -> String {
        let data = Data(bytes)
        return switch algorithm {
        case .sha256: "sha-256=:\(Data(SHA256.hash(data: data)).base64EncodedString()):"
        case .sha512: "sha-512=:\(Data(SHA512.hash(data: data)).base64EncodedString()):"
        }
    }

    private func expectMismatch(
        _ response: (status: Int, head: String, body: String), _ server: RunningServer, _ texts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(response.status == 400, "\(response)", sourceLocation: sourceLocation)
        for text in texts { #expect(response.body.contains(text), "\(response.body)", sourceLocation: sourceLocation) }
        #expect(try server.directory.contents() == [], sourceLocation: sourceLocation)
    }

    @Test(
        "a digest of the body as it is sent is verified before anything is stored",
        arguments: ["Repr-Digest", "Content-Digest"], [nil, Coding.gzip])
    func body(field: String, coding: Coding?) async throws {
        try await RunningServer.with { server in
            let file = Samples.random(300_000)
            let form = RunningServer.document([("a", file), ("b", Self.content)])
            for (method, path, plain, type) in [
                ("PUT", "/x", file, "application/octet-stream"), ("POST", "/", form, "multipart/form-data; boundary=B"),
            ] {
                let body = try coding.map { try Samples.encoded(plain, $0) } ?? plain
                let fields = ["Content-Type: \(type)"] + (coding.map { ["Content-Encoding: \($0.token)"] } ?? [])
                for algorithm in DigestAlgorithm.allCases {
                    let digest = Self.digest(algorithm, body)
                    for chunked in [false, true] {
                        let wrong = try await server.request(
                            method, path, fields: fields + ["\(field): \(Self.digest(algorithm, body.dropLast()))"],
                            body: body, chunked: chunked)
                        try expectMismatch(wrong, server, "the body does not match its \(field)", digest)
                    }
                    let right = try await server.request(
                        method, path, fields: fields + ["\(field): \(digest)"], body: body)
                    #expect(right.status == 201, "\(right.body)")
                    #expect(right.body.contains(#""verified_digests":["\#(algorithm.rawValue)"]"#), "\(right.body)")
                    for name in try server.directory.contents() {
                        try FileManager.default.removeItem(atPath: server.directory.path(name))
                    }
                }
            }
        }
    }

    @Test("each part may have a digest of its content") func parts() async throws {
        try await RunningServer.with { server in
            func form(_ digests: [String]) -> [UInt8] {
                var bytes: [UInt8] = []
                for (index, digest) in digests.enumerated() {
                    let filename = index == 1 ? "" : "; filename=\"\(index)\""
                    bytes += "--B\r\nContent-Disposition: form-data; name=\"f\"\(filename)\r\n\(digest)\r\n".utf8
                    bytes += Self.content + [UInt8(48 + index)] + "\r\n".utf8
                }
                return bytes + "--B--\r\n".utf8
            }
            let contents = (0..<3).map { Self.content + [UInt8(48 + $0)] }
            for index in contents.indices {
                for algorithm in DigestAlgorithm.allCases {
                    var digests = contents.map { "Repr-Digest: \(Self.digest(algorithm, $0))\r\n" }
                    let right = digests[index]
                    digests[index] = "content-digest: \(Self.digest(algorithm, []))\r\n"
                    try expectMismatch(
                        try await server.post(form(digests)), server,
                        "part \(index + 1) does not match its content-digest",
                        String(right.dropFirst("Repr-Digest: ".count).dropLast(2)))
                }
            }
            let both = contents.map { "\(Self.digest(.sha256, $0)), md5=:AAAA:, \(Self.digest(.sha512, $0))" }
            let response = try await server.post(
                form([
                    "Repr-Digest: \(both[0])\r\n", "Content-Digest: \(both[1])\r\n",
                    "Content-Digest: crc32c=:AAAA:\r\n",
                ]),
                fields: ["Want-Repr-Digest: sha-512=1"])
            #expect(response.status == 201, "\(response.body)")
            let parts = try #require(try Answer(response.body.utf8).parts)
            #expect(parts.map(\.verifiedDigests) == [["sha-256", "sha-512"], ["sha-256", "sha-512"], nil])
            #expect(parts.map(\.ignoredDigests) == [["md5"], ["md5"], ["crc32c"]])
            #expect(parts.map(\.sha512) == contents.map { SHA512.hash(data: $0).hexadecimal })
            #expect(parts.map(\.sha256) == [nil, nil, nil])
            #expect(!response.body.contains("ignored_fields"))
        }
    }

    @Test("an unknown algorithm is ignored and reported; a malformed field is refused") func unknown() async throws {
        try await RunningServer.with { server in
            let ignored = try await server.request(
                "PUT", "/x", fields: ["Repr-Digest: md5=:AAAA:", "Content-Digest: sha=:AAAA:"], body: Self.content)
            #expect(ignored.status == 201)
            #expect(ignored.body.contains(#""ignored_digests":["md5","sha"]"#), "\(ignored.body)")
            for field in ["Repr-Digest: sha-256=abc", "Content-Digest: sha-512=:AAAA:"] {
                let refused = try await server.request("PUT", "/y", fields: [field], body: Self.content)
                #expect(refused.status == 400 && refused.body.contains("is malformed"), "\(refused.body)")
            }
            let part = "--B\r\nContent-Disposition: form-data; name=\"f\"\r\nRepr-Digest: x\r\n\r\n\r\n--B--\r\n"
            #expect(try await server.post(Array(part.utf8)).status == 400)
            #expect(try server.directory.contents() == ["x"])
        }
    }

    private static func put(_ name: String, announced: Bool = true, _ trailer: String) -> String {
        "PUT /\(name) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            + (announced ? "Trailer: X-Other, repr-digest\r\n" : "")
            + "\r\nd\r\nsome content\n\r\n0\r\n\(trailer)\r\n"
    }

    @Test("a digest may follow as an announced trailer", arguments: DigestAlgorithm.allCases)
    func trailer(algorithm: DigestAlgorithm) async throws {
        try await RunningServer.with { server in
            let (right, wrong) = (Self.digest(algorithm, Self.content), Self.digest(algorithm, []))
            for field in ["Repr-Digest", "content-digest"] {
                let refused = try await server.response(to: Self.put("x", "X-Other: 1\r\n\(field): \(wrong)\r\n"))
                try expectMismatch(refused, server, right, field == "Repr-Digest" ? field : "Content-Digest")
            }
            let malformed = try await server.response(to: Self.put("x", "Repr-Digest: x\r\n"))
            try expectMismatch(malformed, server, "malformed")
            let stored = try await server.response(to: Self.put("x", "Repr-Digest: \(right)\r\n"))
            #expect(stored.body.contains(#""verified_digests":["\#(algorithm.rawValue)"]"#), "\(stored.body)")
            let unannounced = try await server.response(
                to: Self.put("y", announced: false, "Repr-Digest: \(wrong)\r\n"))
            #expect(unannounced.status == 201)
            #expect(unannounced.body.contains(#""ignored_digests":["\#(algorithm.rawValue)"]"#), "\(unannounced.body)")
            let missing = try await server.response(to: Self.put("z", ""))
            #expect(missing.status == 201 && !missing.body.contains("verified_digests"))
        }
    }

    @Test("pipelined requests have trailers of their own") func pipelined() async throws {
        try await RunningServer.with { server in
            let right = "Repr-Digest: \(Self.digest(.sha256, Self.content))\r\n"
            let wrong = "Repr-Digest: \(Self.digest(.sha256, []))\r\n"
            let requests = [right, "", wrong, right, wrong, wrong, right].enumerated()
            let text = requests.map { Self.put("\($0)", $1) }.joined()
            let statuses = try await server.connected { connection in
                try connection.send(text)
                return try requests.map { _ in try connection.receiveResponse().status }
            }
            #expect(statuses == [201, 201, 400, 201, 400, 400, 201])
            #expect(try server.directory.contents() == ["0", "1", "3", "6"])
        }
    }
}
