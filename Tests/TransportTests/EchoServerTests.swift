import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

@Suite("DuplexStream with this package's server", .serialized, .timeLimit(.minutes(5)))
struct EchoServerTests {
    enum Way: String, CaseIterable, Sendable {
        case http1, secureHTTP1, http2

        var isSecure: Bool { self != .http1 }
        var version: String { self == .http2 ? "2" : "1.1" }

        func configuration() async throws -> Client.Configuration {
            if self == .http2 { try Peers.requireHTTP2() }
            return try await .trusting { $0.httpVersion = self == .http2 ? .http2 : .http1 }
        }
    }

    @Test("each line comes back before the next is written", arguments: Way.allCases, [false, true])
    func lines(way: Way, coded: Bool) async throws {
        var configuration = try await way.configuration()
        if coded { configuration.contentCoding = .gzip() }
        let server = try await ServerProcess.start(isSecure: way.isSecure)
        defer { server.process.terminate() }
        let client = try Client(.post, server.localURL + "/echo", configuration: configuration)
        for _ in 0..<2 {
            let response = try await client.echoLines()
            #expect(response.status == 200)
            #expect(response.metrics.httpVersion == way.version)
        }
    }

    @Test("many MiB come back byte for byte, and the server's memory does not grow", arguments: Way.allCases)
    func volume(way: Way) async throws {
        var configuration = try await way.configuration()
        configuration.headerFields = ["Accept-Encoding": "identity"]
        let server = try await ServerProcess.start(["--log-level", "error"], isSecure: way.isSecure)
        defer { server.process.terminate() }
        let client = try Client(.post, server.localURL + "/echo", configuration: configuration)
        try await roundTrip(client, bytes: 4 << 20)
        #if os(Linux)
        let before = try server.memory
        #endif
        try await roundTrip(client, bytes: 96 << 20)
        #if os(Linux)
        let growth = try server.memory - before
        print("the server's memory grew by \(growth) KiB for 96 MiB that went both ways, \(way)")
        #expect(growth < 16 << 10)
        #endif
    }

    /// Content that follows from its offset, so that nothing has to be kept to compare with.
    private static let pattern = SeededGenerator.bytes(125_001 * 8, case: 3)

    private func content(_ range: Range<Int>) -> [UInt8] {
        var content: [UInt8] = []
        while content.count < range.count {
            let rest = Self.pattern[((range.lowerBound + content.count) % Self.pattern.count)...]
            content += rest.prefix(range.count - content.count)
        }
        return content
    }

    private func roundTrip(_ client: Client, bytes: Int) async throws {
        let pieceSize = 256 << 10
        let stream = try await client.open()
        let writing = Task {
            for start in stride(from: 0, to: bytes, by: pieceSize) {
                guard try await stream.write(content(start..<start + pieceSize)) else { break }
            }
            stream.finish()
        }
        var received = 0
        for try await chunk in try await stream.response.body {
            guard chunk == content(received..<received + chunk.count) else {
                Issue.record("other bytes behind \(received)")
                break
            }
            received += chunk.count
        }
        try await writing.value
        #expect(received == bytes)
    }

    @Test("example -echo sends each line at once and prints it when it comes back", arguments: Way.allCases)
    func example(way: Way) async throws {
        _ = try await way.configuration()
        let server = try await ServerProcess.start(isSecure: way.isSecure)
        defer { server.process.terminate() }
        let authority = try await Certificates.shared.authority
        let result = try await sendLineByLine(
            through: [Subprocess.product("example"), "-cacert", authority, "-echo"],
            environment: ["UPLOAD_HOST": server.localURL], lines: ["one", "two", "three"], rest: "end")
        #expect(result.status == 0)
        #expect(result.output == "one\ntwo\nthree\nend")
        #expect(Self.messages(result).isEmpty, "\(result.errorOutput)")
    }

    /// The example's messages, without those of the loader about another libcurl.
    private static func messages(_ result: Subprocess.Result) -> [Substring] {
        result.errorOutput.split(separator: "\n").filter { !$0.contains("no version information available") }
    }

    @Test("example -echo names a server that does not echo, without waiting for input")
    func exampleRefused() async throws {
        let server = try await ServerProcess.start(["--max-size", "1"])
        defer { server.process.terminate() }
        let result = try await Subprocess.run(
            "bash", ["-c", "\"$0\" -echo < <(exec sleep 30 2>/dev/null)", Subprocess.product("example")],
            environment: ["UPLOAD_HOST": "\(server.url)/nothing/here"], deadline: .seconds(20))
        #expect(result.status == 1, "killed where it waits")
        #expect(Self.messages(result) == ["example: the server answered with status 404"])
    }
}

extension ServerProcess {
    /// The tests' certificate is valid for both names.
    fileprivate var localURL: String { url.replacing("127.0.0.1", with: "localhost") }
}
