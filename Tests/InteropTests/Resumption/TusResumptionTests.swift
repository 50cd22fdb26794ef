import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// Uploads with tus 1.0 to PyPI's tuspyserver, through a proxy that cuts connections.
@Suite("Resumption with tuspyserver", .serialized, .timeLimit(.minutes(3)))
struct TusResumptionTests {
    @Test("a file arrives byte for byte over connections that are cut, by its name", arguments: [false, true])
    func cuts(isCut: Bool) async throws {
        var generator = SeededGenerator(case: isCut ? 51 : 50)
        let limits = (0..<8).map { _ in Int.random(in: 1...1_500_000, using: &generator) }
        let python: String
        do {
            python = try await PythonEnvironment.shared.interpreter(with: ["tuspyserver", "uvicorn"])
        } catch {
            print("TusResumptionTests: SKIPPED: no Python with tuspyserver: \(error)")
            try Test.cancel("skipped: no Python with tuspyserver: \(error)")
        }
        let uploads = try TemporaryDirectory()
        let process = try Subprocess(python, [Peer.source("server_tus.py"), uploads.path], deadline: .seconds(120))
        defer { process.terminate() }
        let port = try #require(try await process.firstLine(deadline: .seconds(60)).split(separator: ":").last)
        let proxy = try CuttingProxy(to: try #require(Int(port.prefix { $0.isNumber }))) { number in
            guard isCut, number <= limits.count else { return nil }
            // Not during the creation: a POST is not repeated.
            return number == 1 ? 500_000 : limits[number - 1]
        }
        let directory = try TemporaryDirectory()
        let content = generator.manyBytes(8_000_000)
        let path = try directory.write(content, to: "größe.bin")
        let client = try Client { configuration in
            configuration.resumption = .tus(
                retry: Client.Retry(attempts: 30, delay: .milliseconds(20), maximumDelay: .milliseconds(200)))
            configuration.expect = .never
        }
        let response = try await client.send(Request(.post, proxy.url + "files/", content: .file(path)))
        #expect(response.status == 204, "seed \(SeededGenerator.seed)")
        #expect(response.headerFields["Upload-Offset"] == "8000000")
        #expect(isCut == (response.metrics.resumptions > 0))
        let stored = try FileManager.default.contentsOfDirectory(atPath: uploads.path)
            .filter { !$0.hasPrefix(".") }.map { try uploads.read($0) }
        #expect(stored.contains(Data(content)), "seed \(SeededGenerator.seed)")
    }
}
