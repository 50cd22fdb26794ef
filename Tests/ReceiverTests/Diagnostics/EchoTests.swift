import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Echo, text and count", .timeLimit(.minutes(2)))
struct EchoTests {
    private static let head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"

    private static func chunk(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    @Test(
        "each chunk comes back before the next one is sent, in any coding of request and response",
        arguments: [nil, "gzip", "deflate"], [nil, "gzip", "deflate"])
    func eachChunk(sent: String?, accepted: String?) async throws {
        try await RunningServer.with { server in
            try await server.connected { connection in
                let fields =
                    (sent.map { "Content-Encoding: \($0)\r\n" } ?? "")
                    + (accepted.map { "Accept-Encoding: \($0)\r\n" } ?? "")
                try connection.send(Self.head + "Content-Type: text/x-lines\r\n" + fields + "\r\n")
                var encoder = try sent.flatMap { Coding(token: $0) }.map { try Encoder($0) }
                var decoder = accepted.flatMap { Coding(token: $0) }.map { Decoder($0) }
                var answer: String?
                for number in 0..<20 {
                    let line = Array("line \(number)\n".utf8)
                    try connection.send(Self.chunk(try encoder?.encode(line) ?? line))
                    answer = try answer ?? String(decoding: connection.receive(through: "\r\n\r\n"), as: UTF8.self)
                    var content: [UInt8] = []
                    while content.count < line.count {
                        let chunk = try connection.readChunk()
                        content += try decoder?.decode(chunk) ?? chunk
                    }
                    #expect(content == line)
                }
                #expect(answer?.contains("Content-Type: text/x-lines\r\n") == true)
                #expect(answer?.contains("Content-Encoding: \(accepted ?? "")\r\n") == (accepted != nil))
                #expect(answer?.contains("Content-Security-Policy: sandbox\r\n") == true)
                if let end = try encoder?.end() { try connection.send(Self.chunk(end)) }
                try connection.send("0\r\n\r\n")
                while try !connection.readChunk().isEmpty {}
                // The connection persists.
                try connection.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try connection.receiveResponse().body == "{\"status\":\"ok\"}\n")
            }
        }
    }

    @Test("a client that does not read the echo cannot go on sending") func backPressure() async throws {
        try await RunningServer.with { server in
            let sent = try await server.connected { connection in
                connection.setSendDeadline(.milliseconds(500))
                try connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(1 << 40)\r\n\r\n")
                return connection.sendZeros()
            }
            #expect(sent < 64 << 20)
        }
    }

    @Test("an empty body comes back empty") func emptyBody() async throws {
        try await RunningServer.with { server in
            let answer = try await server.connected { connection in
                try connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                return try Download(connection)
            }
            #expect(answer.status == 200)
            #expect(answer.content.isEmpty)
        }
    }

    @Test("the response is cut off where the body cannot be decoded") func invalidCoding() async throws {
        try await RunningServer.with { server in
            let rest = try await server.connected { connection in
                var encoder = try Encoder(.gzip)
                try connection.send(Self.head + "Content-Encoding: gzip\r\n\r\n")
                try connection.send(Self.chunk(try encoder.encode(Array("good".utf8))))
                _ = try connection.receive(through: "\r\n\r\n")
                #expect(try connection.readChunk() == Array("good".utf8))
                try connection.send(Self.chunk([UInt8](repeating: 0xFF, count: 100)))
                return try connection.receiveToClose()
            }
            #expect(!rest.contains(UInt8(ascii: "0")), "no last chunk")
        }
    }

    @Test("the response is cut off where the body exceeds its limit") func tooLarge() async throws {
        try await RunningServer.with(configure: { $0.maximumBodySize = 1000 }) { server in
            let (first, rest) = try await server.connected { connection in
                try connection.send(Self.head + "\r\n")
                try connection.send(Self.chunk([UInt8](repeating: 1, count: 1000)))
                _ = try connection.receive(through: "\r\n\r\n")
                let first = try connection.readChunk()
                try connection.send(Self.chunk([2]))
                return (first, try connection.receiveToClose())
            }
            #expect(first.count == 1000)
            #expect(rest.isEmpty)
        }
    }

    @Test(
        "text of the request comes back in the accepted coding",
        arguments: [nil, "gzip", "deflate", "br", "gzip;q=0, *"])
    func text(accepted: String?) async throws {
        try await RunningServer.with { server in
            for (path, text) in [("/echo/a%20b%2Fc%C3%A9/d?e", "a b/cé/d"), ("/user-agent", "me/1.0"), ("/echo/", "")] {
                let fields = ["User-Agent: me/1.0"] + (accepted.map { ["Accept-Encoding: \($0)"] } ?? [])
                let answer = try await server.get(path, fields)
                let coding = answer.fields["content-encoding"].flatMap { Coding(token: $0) }
                #expect(answer.status == 200)
                #expect(answer.fields["content-type"] == "text/plain; charset=utf-8")
                #expect(answer.fields["vary"] == "Accept-Encoding")
                #expect(
                    coding?.token
                        == (accepted == "br" ? nil : accepted?.hasPrefix("gzip;") == true ? "deflate" : accepted))
                let content = try coding.map { try $0.decode(answer.content) } ?? answer.content
                #expect(String(decoding: content, as: UTF8.self) == text)
            }
            #expect(try await server.get("/echo/x", ["Accept-Encoding: *;q=0"]).status == 406)
        }
    }

    @Test("counting keeps its interval and ends at the limit") func count() async throws {
        try await RunningServer.with { server in
            let clock = ContinuousClock()
            let start = clock.now
            let answer = try await server.get("/count/5?interval=0.1")
            #expect(answer.content == Array("1\n2\n3\n4\n5\n".utf8))
            #expect(answer.chunks == 5)
            #expect(clock.now - start >= .milliseconds(400))
            // Faster than the default of one per second.
            let quick = try await server.get("/count/40?interval=0.02")
            #expect(quick.chunks == 40)
            #expect(clock.now - start < .seconds(30))
            let coded = try await server.get("/count/20000?interval=0", ["Accept-Encoding: gzip"])
            let lines = (1...20000).map { "\($0)\n" }.joined()
            #expect(try Coding.gzip.decode(coded.content) == Array(lines.utf8))
            #expect(try await server.get("/count/0").content.isEmpty)
            #expect(try await server.get("/count/x").status == 400)
        }
    }

    @Test("counting ends with the connection, even during a long interval", arguments: [("0.01", 3), ("60", 1)])
    func countEnds(interval: String, last: Int) async throws {
        try await RunningServer.with { server in
            try await server.connected { connection in
                try connection.send("GET /count/inf?interval=\(interval) HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try connection.receive(through: "\r\n\(last)\n")
                // Closing would not be enough: the client might still be reading.
                connection.reset()
            }
            for _ in 0..<250 {
                let metrics = String(decoding: try await server.get("/metrics").content, as: UTF8.self)
                // The one request is the request for /metrics.
                if metrics.contains("requests_active 1\n") { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            Issue.record("the server is still counting")
        }
    }
}

/// Flushes after each piece, so that the piece can be decoded when it has arrived.
private struct Encoder: ~Copyable {
    private var encoder: ContentEncoder

    init(_ coding: Coding) throws { encoder = try ContentEncoder(coding) }

    mutating func encode(_ bytes: [UInt8]) throws -> [UInt8] { encode(bytes, .flush) }
    mutating func end() throws -> [UInt8] { encode([], .finish) }

    private mutating func encode(_ bytes: [UInt8], _ mode: ContentEncoder.Mode) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: bytes.count + 1024)
        let count = bytes.withUnsafeBytes { bytes in
            var rest = bytes
            return output.withUnsafeMutableBytes { encoder.encode(&rest, into: $0, mode) }
        }
        return Array(output[..<count])
    }
}

private struct Decoder: ~Copyable {
    private var decoder: ContentDecoder

    init(_ coding: Coding) { decoder = ContentDecoder(coding) }

    mutating func decode(_ bytes: [UInt8]) throws -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 65536)
        let count = try bytes.withUnsafeBytes { bytes in
            var rest = bytes
            return try output.withUnsafeMutableBytes { try decoder.decode(&rest, into: $0) }
        }
        return Array(output[..<count])
    }
}
