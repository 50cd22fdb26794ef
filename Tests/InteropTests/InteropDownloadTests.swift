import Foundation
import HTTPStreaming
import TestSupport
import Testing

@Suite(
    "Downloads from aiohttp", .timeLimit(.minutes(5)),
    .enabled("needs Python with aiohttp") { await PythonEnvironment.shared.isAvailable(with: ["aiohttp"]) }
)
struct InteropDownloadTests {
    private func start() async throws -> (url: String, process: Subprocess) {
        let python = try await PythonEnvironment.shared.interpreter(with: ["aiohttp"])
        let process = try Subprocess(python, [Peer.source("source_aiohttp.py")], deadline: .seconds(240))
        return (try await process.firstLine(), process)
    }

    @Test("content is read and saved, in any coding", arguments: ["gzip", "deflate", "any", "identity"])
    func coded(coding: String) async throws {
        let (url, process) = try await start()
        defer { process.terminate() }
        let directory = try TemporaryDirectory()
        for size in [0, 1, 65_536, 3_000_000, 64 << 20] {
            let client = try Client(.get, "\(url)\(coding)/\(size)")
            let response = try await client.send()
            let token = response.headerFields["Content-Encoding"]
            #expect(
                coding == "any" ? ["gzip", "deflate"].contains(token) : token == (coding == "identity" ? nil : coding))
            let digest = try #require(response.headerFields["Digest-Of-Content"])
            #expect(try await response.save(to: directory.path("file")) == Int64(size))
            #expect(try await sha256(path: directory.path("file")) == digest)
            if size < 16 << 20 { #expect(try await sha256(Data(client.send().bytes())) == digest) }
        }
        #expect(try directory.contents() == ["file"])
    }

    @Test("a request with its own Accept-Encoding receives undecoded content") func raw() async throws {
        let (url, process) = try await start()
        defer { process.terminate() }
        let response = try await Client(.get, url + "any/100000", { $0.headerFields = ["Accept-Encoding": "gzip"] })
            .send()
        #expect(response.headerFields["Content-Encoding"] == "gzip")
        #expect(try await response.bytes().starts(with: [0x1F, 0x8B]))
    }
}
