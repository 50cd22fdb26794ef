import Crypto
import Foundation
import TestSupport

func sha256(_ data: Data) -> String {
    SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
}

/// The digest of a file of any size. Suspends, since some GiB would block a thread of the tests' pool longer
/// than the deadlines of other tests.
func sha256(path: String) async throws -> String {
    try await RawConnection.onThread {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var hash = SHA256()
        while let chunk = try file.read(upToCount: 4 << 20), !chunk.isEmpty { hash.update(data: chunk) }
        return hash.finalize().map { String(format: "%02x", $0) }.joined()
    }
}

/// The report of this package's server on a request: the fields that are compared.
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
