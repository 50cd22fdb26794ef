import Foundation
import TestSupport
import Testing

/// The page at `GET /` in Chromium; compares the saved files.
@Suite("The upload page", .serialized, .timeLimit(.minutes(5)))
struct PageTests {
    /// Python that can drive a browser. Cancels the test if there is none.
    static func interpreter() async throws -> String {
        guard Subprocess.find("chromium") != nil, Subprocess.find("chromedriver") != nil else {
            try Test.cancel("SKIPPED: there is no chromium with its driver: apt-get install chromium chromium-driver")
        }
        do {
            return try await PythonEnvironment.shared.interpreter(with: ["selenium"])
        } catch {
            try Test.cancel("SKIPPED: there is no selenium: \(error)")
        }
    }

    @Test("a browser uploads dropped and picked files, cancels and renames", arguments: [nil, "a-token"])
    func inABrowser(token: String?) async throws {
        let python = try await Self.interpreter()
        let server = try await ServerProcess.start(token.map { ["--token", $0] } ?? [], deadline: .seconds(280))
        defer { server.process.terminate() }
        let folder = try TemporaryDirectory()
        let result = try await Subprocess.run(
            python,
            [Peer.source("page.py"), server.url, folder.path, "--dir", server.directory.path]
                + (token.map { ["--token", $0] } ?? []),
            deadline: .seconds(270))
        print(result.output)
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(result.output.split(separator: "\n").filter { $0.hasPrefix("ok: ") }.count >= 7)
        // Nothing is left of aborted or cancelled uploads.
        try checkComplete(server.directory)
    }
}

/// Checks that a server's directory holds nothing of uploads that are not complete. The answers of others are kept for clients
/// that have lost them.
func checkComplete(_ directory: TemporaryDirectory, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for name in try directory.contents() where name.hasPrefix(".") {
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path(name))
        #expect(Set(left) == ["answer", "request"], "\(name)", sourceLocation: sourceLocation)
    }
}
