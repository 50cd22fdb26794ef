import Crypto
import Foundation
import TestSupport
import Testing

func sha256(_ data: Data) -> String {
    SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
}

/// The digest of a file of any size.
func sha256(path: String) throws -> String {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    var hash = SHA256()
    while let chunk = try file.read(upToCount: 4 << 20), !chunk.isEmpty { hash.update(data: chunk) }
    return hash.finalize().map { String(format: "%02x", $0) }.joined()
}

/// This package's server, as a process of its own.
struct ServerProcess {
    let url: String
    let directory: TemporaryDirectory
    let process: Subprocess

    static func start(_ arguments: [String] = [], deadline: Duration = .seconds(120)) async throws -> ServerProcess {
        let directory = try TemporaryDirectory()
        let process = try Subprocess(
            Subprocess.product("server"), ["--port", "0", "--dir", directory.path] + arguments, deadline: deadline
        )
        let line = try await process.firstLine()
        let prefix = "listening on "
        try #require(line.hasPrefix(prefix))
        return ServerProcess(url: String(line.dropFirst(prefix.count)), directory: directory, process: process)
    }
}

/// What this package's server reports of a request; the fields that are compared.
struct ServerReport: Decodable {
    struct Part: Decodable {
        let size: Int64
        let sha256: String?
        let savedAs: String?

        enum CodingKeys: String, CodingKey {
            case size, sha256
            case savedAs = "saved_as"
        }
    }

    let parts: [Part]
    let bytes: Int64
}
