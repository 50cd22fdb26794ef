import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Uploads with a content coding", .timeLimit(.minutes(3)))
struct CodedBodyTests {
    private static let book = RunningServer.document([("book", Samples.book)])

    @Test(
        "coded forms are decoded", arguments: ["gzip", "x-gzip", "deflate", "identity, GZIP", "identity"],
        [false, true])
    func forms(field: String, chunked: Bool) async throws {
        try await RunningServer.with { server in
            let document = RunningServer.document(Samples.all.map { ($0.name, $0.bytes) })
            let coding: Coding? = field == "identity" ? nil : field == "deflate" ? .deflate : .gzip
            let body = try coding.map { try Samples.encoded(document, $0) } ?? document
            let response = try await server.request(
                "POST", "/",
                fields: ["Content-Type: multipart/form-data; boundary=B", "Content-Encoding: \(field)"], body: body,
                chunked: chunked
            )
            #expect(response.status == 201, "\(response.body)")
            let parts = try #require(try Answer(response.body.utf8).parts)
            #expect(parts.map(\.size) == Samples.all.map(\.bytes.count))
            for (name, bytes) in Samples.all { #expect(try Array(server.directory.read(name)) == bytes) }
        }
    }

    @Test("several gzip members and raw deflate data are decoded") func variants() async throws {
        try await RunningServer.with { server in
            let members =
                try Samples.encoded(Array(Self.book[..<1000]), .gzip)
                + Samples.encoded(Array(Self.book[1000...]), .gzip)
            let type = "Content-Type: multipart/form-data; boundary=B"
            let gzip = try await server.request("POST", "/", fields: [type, "Content-Encoding: gzip"], body: members)
            #expect(gzip.status == 201, "\(gzip.body)")
            // Raw DEFLATE, without the two bytes of header and four of trailer of RFC 1950.
            let raw = Array(try Samples.encoded(Self.book, .deflate).dropFirst(2).dropLast(4))
            let deflate = try await server.request("POST", "/", fields: [type, "Content-Encoding: deflate"], body: raw)
            #expect(deflate.status == 201, "\(deflate.body)")
            #expect(try Array(server.directory.read("book")) == Samples.book)
            #expect(try Array(server.directory.read("book (1)")) == Samples.book)
        }
    }

    struct Damage: CustomTestStringConvertible {
        let name: String
        var status = 400
        var limits: DecodingLimits?
        let apply: @Sendable ([UInt8]) -> [UInt8]

        var testDescription: String { name }
    }

    static let damages = [
        Damage(name: "empty") { _ in [] },
        Damage(name: "one byte") { Array($0.prefix(1)) },
        Damage(name: "cut in the middle") { Array($0.prefix($0.count / 2)) },
        // The document can be decoded, but its checksum is missing or wrong.
        Damage(name: "cut in the checksum") { $0.dropLast(2) },
        Damage(name: "without a checksum") { $0.dropLast(8) },
        Damage(name: "wrong checksum") { $0.dropLast(5) + [~$0[$0.count - 5]] + $0.suffix(4) },
        Damage(name: "a byte turned") { data in
            var data = data
            data[data.count / 2] ^= 0x55
            return data
        },
        Damage(name: "trailing garbage") { $0 + Array("garbage".utf8) },
        Damage(name: "garbage after padding") { $0 + [0, 0, 1] },
        Damage(name: "padding of zeros, as some programs write it", status: 201) { $0 + [0, 0, 0] },
        Damage(name: "half of another member") { $0 + $0.prefix(20) },
        Damage(name: "a header only") { Array($0.prefix(10)) },
        Damage(name: "no coding at all") { _ in book },
        Damage(name: "too many bytes", status: 413, limits: .init(size: book.count - 1)) { $0 },
        Damage(name: "too many for their data", status: 413, limits: .init(ratio: 2, ratioAllowance: 1000)) { $0 },
        Damage(name: "just enough", status: 201, limits: .init(size: book.count)) { $0 },
        Damage(name: "a small one", status: 201, limits: .init(ratio: 2, ratioAllowance: 1 << 20)) { $0 },
    ]

    @Test("damaged, incomplete and too large bodies are refused and not stored", arguments: damages, ["POST", "PUT"])
    func damaged(damage: Damage, method: String) async throws {
        try await RunningServer.with(configure: { $0.decoding = damage.limits ?? $0.decoding }) { server in
            let body = damage.apply(try Samples.encoded(Self.book, .gzip))
            for chunked in [false, true] {
                let type = method == "PUT" ? "text/plain" : "multipart/form-data; boundary=B"
                let response = try await server.request(
                    method, method == "PUT" ? "/x-\(chunked)" : "/",
                    fields: ["Content-Type: \(type)", "Content-Encoding: gzip"], body: body, chunked: chunked
                )
                #expect(response.status == damage.status, "\(response.body)")
                guard response.status != 201 else { continue }
                #expect(try Answer(response.body.utf8).error?.isEmpty == false)
                #expect(try await server.contentsWhenSettled().isEmpty)
            }
            #expect(try await server.isAlive())
        }
    }

    @Test("Content-Length counts coded bytes") func length() async throws {
        try await RunningServer.with { server in
            let body = try Samples.encoded(Self.book, .gzip)
            let (response, rest) = try await server.lastResponse(
                to: RunningServer.head(length: body.count + 1, fields: ["Content-Encoding: gzip"]), body, finishes: true
            )
            #expect(response.status == 400)
            #expect(rest.isEmpty)
            #expect(try await server.contentsWhenSettled().isEmpty)
        }
    }

    @Test("flushed bytes are written before the rest arrives") func flushed() async throws {
        // Hidden files can be read while they are written.
        try await RunningServer.with(storage: { try DirectoryStorage(path: $0.path, kind: .hidden) }) { server in
            let data = try Samples.encoded(Array("first, second".utf8), .gzip, flushAt: 5)
            let flushed = try #require(
                (1..<data.count).first { count in
                    var decoder = ContentDecoder(.gzip)
                    return (try? decoder.decode(Array(data[..<count])))?.count == 5
                })
            let directory = server.directory
            let response = try await server.connected { connection in
                try connection.send(
                    "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: \(data.count)\r\n\r\n")
                try connection.send(Array(data[..<(flushed + 5)]))
                let deadline = Date() + 10
                while Date() < deadline {
                    let files = try directory.contents()
                    if let name = files.first, try directory.read(name) == Data("first".utf8) { break }
                    usleep(5000)
                }
                #expect(Date() < deadline, "the first five bytes are not in the file")
                try connection.send(Array(data[(flushed + 5)...]))
                return try connection.receiveResponse()
            }
            #expect(response.status == 201)
            #expect(try directory.read("x") == Data("first, second".utf8))
        }
    }
}
