#if os(Linux)
import Foundation
import TestSupport
import Testing

/// The page at `GET /` in Chromium goes on with uploads that are interrupted; compares the saved files, and counts how many
/// bytes were sent twice.
@Suite("Resumption of the upload page", .serialized, .timeLimit(.minutes(10)))
struct PageResumptionTests {
    private static let mebibyte = 1 << 20

    /// Runs `page_resuming.py`.
    private func start(
        _ scenario: String, _ url: String, _ server: RestartedServer, _ folder: TemporaryDirectory, token: String? = nil
    ) async throws -> Subprocess {
        try Subprocess(
            try await PageTests.interpreter(),
            [Peer.source("page_resuming.py"), scenario, url, folder.path, "--dir", server.directory.path]
                + (token.map { ["--token", $0] } ?? []),
            deadline: .seconds(200))
    }

    private func check(
        _ browser: Subprocess, _ server: RestartedServer, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let result = await browser.result()
        print(result.output)
        #expect(
            result.status == 0 && result.output.contains("ok: "), "\(result.output)\(result.errorOutput)",
            sourceLocation: sourceLocation)
        try checkComplete(server.directory, sourceLocation: sourceLocation)
    }

    /// - Returns: how many bytes the browser has sent beyond those of the files.
    private func excess(_ proxy: CuttingProxy, _ folder: TemporaryDirectory) throws -> Int {
        let sizes = try folder.contents().map {
            try FileManager.default.attributesOfItem(atPath: folder.path($0))[.size] as? Int ?? 0
        }
        let excess = proxy.byteCount - sizes.reduce(0, +)
        print("PageResumptionTests: \(excess) bytes more than the files have, \(proxy.cutCount) cuts")
        return excess
    }

    @Test("an upload goes on after its connection was cut, also with a token", arguments: [nil, "a-token"])
    func cut(token: String?) async throws {
        let server = try RestartedServer(token.map { ["--token", $0] } ?? [])
        try await server.restart()
        let folder = try TemporaryDirectory()
        // Only the connections that carry the file send so much.
        let proxy = try CuttingProxy(to: server.port) { $0 <= 8 ? 12_000_000 : nil }
        try await check(start("cut", proxy.url, server, folder, token: token), server)
        #expect(proxy.cutCount > 0)
        // What the kernel, the proxy and the browser hold at each cut.
        #expect(try excess(proxy, folder) < proxy.cutCount * 8 * Self.mebibyte)
    }

    @Test("uploads go on after the server was killed and started again") func killed() async throws {
        let server = try RestartedServer()
        try await server.restart()
        let folder = try TemporaryDirectory()
        let proxy = try CuttingProxy(to: server.port) { _ in nil }
        let browser = try await start("killed", proxy.url, server, folder)
        #expect(try await eventually { try browser.hasExited || server.unfinishedBytes > 12_000_000 })
        await server.kill()
        #expect(try await browser.firstLine(deadline: .seconds(80)) == "interrupted")
        try await server.restart()
        try await check(browser, server)
        // Each of the three uploads that ran may lose what was received since its last checkpoint.
        #expect(try excess(proxy, folder) < 3 * 20 * Self.mebibyte)
    }

    @Test("an upload goes on when a connection makes no progress") func stalled() async throws {
        let server = try RestartedServer()
        try await server.restart()
        let folder = try TemporaryDirectory()
        let browser = try await start("stalled", "http://127.0.0.1:\(server.port)", server, folder)
        #expect(try await eventually { try browser.hasExited || server.unfinishedBytes > 4_000_000 })
        server.signal(SIGSTOP)
        try await Task.sleep(for: .seconds(36))
        server.signal(SIGCONT)
        try await check(browser, server)
    }

    @Test("an upload goes on after a reload, when the same file is chosen again") func reload() async throws {
        let server = try RestartedServer()
        try await server.restart()
        let folder = try TemporaryDirectory()
        let proxy = try CuttingProxy(to: server.port) { _ in nil }
        try await check(start("reload", proxy.url, server, folder), server)
        #expect(try excess(proxy, folder) < 8 * Self.mebibyte)
    }

    @Test(
        "changed files, cancelled and removed uploads, the same file twice, and a server without its directory",
        arguments: ["changed", "cancel", "forgotten", "twice", "unavailable"])
    func scenario(name: String) async throws {
        let server = try RestartedServer()
        try await server.restart()
        let folder = try TemporaryDirectory()
        try await check(start(name, "http://127.0.0.1:\(server.port)", server, folder), server)
    }

    @Test("a server that keeps no unfinished uploads gets each file in one request") func unsupported() async throws {
        let server = try RestartedServer(["--max-unfinished", "0"])
        try await server.restart()
        let folder = try TemporaryDirectory()
        try await check(start("unsupported", "http://127.0.0.1:\(server.port)", server, folder), server)
    }
}
#endif
