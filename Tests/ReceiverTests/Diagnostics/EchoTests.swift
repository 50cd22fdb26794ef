import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Echo, text and count", .timeLimit(.minutes(2)))
struct EchoTests {
    private static let head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"

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
                var encoder = try sent.flatMap { Coding(token: $0) }.map { try ContentEncoder($0) }
                var decoder = accepted.flatMap { Coding(token: $0) }.map { ContentDecoder($0) }
                var answer: String?
                for number in 0..<20 {
                    let line = Array("line \(number)\n".utf8)
                    try connection.send(chunk(encoder?.encode(line, .flush) ?? line))
                    answer = try answer ?? String(decoding: connection.receive(through: "\r\n\r\n"), as: UTF8.self)
                    var content: [UInt8] = []
                    while content.count < line.count {
                        let received = try connection.readChunk()
                        content += try decoder?.decode(received) ?? received
                    }
                    #expect(content == line)
                }
                #expect(answer?.contains("Content-Type: text/x-lines\r\n") == true)
                #expect(answer?.contains("Content-Encoding: \(accepted ?? "")\r\n") == (accepted != nil))
                #expect(answer?.contains("Content-Security-Policy: sandbox\r\n") == true)
                if let end = encoder?.encode([], .finish) { try connection.send(chunk(end)) }
                try connection.send(chunk([]))
                while try !connection.readChunk().isEmpty {}
                // The connection persists.
                let health = try connection.ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(health.body == "{\"status\":\"ok\"}\n")
            }
        }
    }

    @Test("a client that does not read the echo cannot go on sending") func backPressure() async throws {
        try await RunningServer.with { server in
            let sent = try await server.zerosAccepted(
                after: "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(1 << 40)\r\n\r\n")
            #expect(sent < 64 << 20)
        }
    }

    @Test("small chunks that arrive together come back together") func smallChunks() async throws {
        try await RunningServer.with { server in
            let content = (0..<2000).map { UInt8(truncatingIfNeeded: $0) }
            let answer = try await server.connected { connection in
                try connection.send(Array((Self.head + "\r\n").utf8) + content.flatMap { chunk([$0]) } + chunk([]))
                return try Download(connection)
            }
            #expect(answer.content == content)
            #expect(answer.chunks < 20)
        }
    }

    @Test("lines with a short interval are sent together") func shortInterval() async throws {
        try await RunningServer.with { server in
            let answer = try await server.get("/count/5000?interval=0.00001")
            #expect(answer.content == Array((1...5000).map { "\($0)\n" }.joined().utf8))
            #expect(answer.chunks < 500)
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
                var encoder = try ContentEncoder(.gzip)
                try connection.send(Self.head + "Content-Encoding: gzip\r\n\r\n")
                try connection.send(chunk(encoder.encode(Array("good".utf8), .flush)))
                _ = try connection.receive(through: "\r\n\r\n")
                #expect(try connection.readChunk() == Array("good".utf8))
                try connection.send(chunk([UInt8](repeating: 0xFF, count: 100)))
                return try connection.receiveToClose()
            }
            #expect(!rest.contains(UInt8(ascii: "0")), "no last chunk")
        }
    }

    @Test("the response is cut off where the body exceeds its limit") func tooLarge() async throws {
        try await RunningServer.with(configure: { $0.maximumBodySize = 1000 }) { server in
            let (first, rest) = try await server.connected { connection in
                try connection.send(Self.head + "\r\n")
                try connection.send(chunk([UInt8](repeating: 1, count: 1000)))
                _ = try connection.receive(through: "\r\n\r\n")
                let first = try connection.readChunk()
                try connection.send(chunk([2]))
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
            #expect((2...5).contains(answer.chunks), "late lines are sent together")
            #expect(clock.now - start >= .milliseconds(400))
            // Faster than the default of one per second.
            let quick = try await server.get("/count/40?interval=0.02")
            #expect((2...40).contains(quick.chunks))
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
                _ = try connection.receive(through: "\n\(last)\n")
                // Closing would not be enough: the client might still be reading.
                connection.reset()
            }
            let hasEnded = try await eventually {
                // The one request is the request for /metrics.
                String(decoding: try await server.get("/metrics").content, as: UTF8.self)
                    .contains("requests_active 1\n")
            }
            #expect(hasEnded, "the server is still counting")
        }
    }
}
