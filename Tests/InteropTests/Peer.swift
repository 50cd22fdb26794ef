import Foundation
import TestSupport
import Testing

/// A server by other hands, as a process.
enum Peer: String, CaseIterable, Sendable {
    case go, aiohttp, werkzeug

    /// werkzeug's own server closes after each response.
    var keepsConnections: Bool { self != .werkzeug }

    /// What a peer says that it read.
    struct Answer: Decodable {
        struct Part: Decodable {
            let name: String
            let filename: String
            let type: String
            let size: Int
            let sha256: String
        }

        let parts: [Part]?
        /// The address and port at the client's end of the connection.
        let remote: String
        /// The Content-Length; -1 where there was none.
        let length: Int
    }

    /// Starts it, and returns its URL with the process, which ends with its last reference.
    ///
    /// - Throws: a cancellation of the test that says why, where the peer cannot be installed.
    func start() async throws -> (url: String, process: Subprocess) {
        let process: Subprocess
        switch self {
        case .go:
            guard let go = Subprocess.find("go") else { try Self.skip("there is no Go") }
            let binary = try await Self.builtGo(go)
            process = try Subprocess(binary, deadline: .seconds(120))
        case .aiohttp, .werkzeug:
            let python: String
            do {
                python = try await PythonEnvironment.shared.interpreter(with: [rawValue])
            } catch {
                try Self.skip("no Python with \(rawValue): \(error)")
            }
            process = try Subprocess(python, [Self.source("receiver_\(rawValue).py")], deadline: .seconds(120))
        }
        return (try await process.firstLine(), process)
    }

    /// Of a test with arguments the runner calls a cancelled case passed: hence the line printed.
    private static func skip(_ reason: String) throws -> Never {
        print("PeerTests: SKIPPED: \(reason)")
        try Test.cancel("skipped: \(reason)")
    }

    private static let goBuild = Task {
        let directory = try TemporaryDirectory()
        let binary = directory.path("receiver")
        let go = Subprocess.find("go") ?? "go"
        let build = try await Subprocess.run(
            go, ["build", "-o", binary, source("receiver.go")],
            environment: ["GO111MODULE": "off", "GOCACHE": directory.path("cache")], deadline: .seconds(180)
        )
        try #require(build.status == 0, "\(build.errorOutput)")
        return (directory, binary)
    }

    private static func builtGo(_ go: String) async throws -> String { try await goBuild.value.1 }

    private static func source(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Peers/\(name)").path
    }
}
