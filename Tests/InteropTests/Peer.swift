import Foundation
import TestSupport
import Testing

/// A server that is not of this package, as a process.
enum Peer: String, CaseIterable, Sendable {
    case go, aiohttp, werkzeug

    /// werkzeug's own server closes after each response.
    var keepsConnections: Bool { self != .werkzeug }

    /// What a peer read of a request.
    struct Answer: Decodable {
        struct Part: Decodable {
            let name: String
            let filename: String
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
    /// - Throws: a cancellation of the test if the peer cannot be installed.
    func start() async throws -> (url: String, process: Subprocess) {
        let process: Subprocess
        switch self {
        case .go:
            guard Subprocess.find("go") != nil else { try Self.skip("there is no Go") }
            process = try Subprocess(try await GoPeer.shared.path, deadline: .seconds(120))
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

    /// Prints a line too: of a test with arguments the runner reports a cancelled case as passed.
    private static func skip(_ reason: String) throws -> Never {
        print("PeerTests: SKIPPED: \(reason)")
        try Test.cancel("skipped: \(reason)")
    }

    /// The path of a peer's source.
    static func source(_ name: String) -> String { packageFile("Tests/InteropTests/Peers/\(name)").path }
}
