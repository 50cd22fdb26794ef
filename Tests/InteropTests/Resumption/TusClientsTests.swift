#if os(Linux)
import Foundation
import TestSupport
import Testing

/// Clients of tus 1.0 from PyPI go on with uploads to this package's server.
@Suite("Clients of tus, interrupted", .timeLimit(.minutes(4)))
struct TusClientsTests {
    @Test("connections are cut, and the server is killed and started again", arguments: ["tuspy", "aiotus"])
    func interrupted(library: String) async throws {
        guard await PythonEnvironment.shared.isAvailable(with: [library]) else { return }
        let python = try await PythonEnvironment.shared.interpreter(with: [library])
        let server = try RestartedServer()
        try await server.restart()
        let folder = try TemporaryDirectory()
        var generator = SeededGenerator(case: 130)
        let path = try folder.write(generator.manyBytes(40_000_000), to: "source")
        // tuspy opens a connection for each MiB; aiotus keeps one. The first one creates the upload.
        let limits = (0..<8).map { _ in Int.random(in: 1000...900_000, using: &generator) }
        let proxy = try CuttingProxy(to: server.port) { (2...9).contains($0) ? limits[$0 - 2] : nil }
        let client = try Subprocess(
            python, [Peer.source("tus_clients.py"), library, proxy.url + "tus/", path, "stored"],
            deadline: .seconds(150))
        for part in [8_000_000, 20_000_000] {
            #expect(try await eventually { try client.hasExited || server.unfinishedBytes > part })
            #expect(!client.hasExited, "the upload was too fast to be interrupted")
            try await server.restart()
        }
        let result = await client.result()
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(proxy.cutCount > 0)
        let comparison = try await Subprocess.run("cmp", [server.directory.path("stored"), path])
        #expect(comparison.status == 0, "\(comparison.output), seed \(SeededGenerator.seed)")
        try checkComplete(server.directory)
    }
}
#endif
