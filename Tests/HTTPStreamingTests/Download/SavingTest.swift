import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// What tests of interrupted downloads have in common: a folder, and two files of a server.
struct SavingTest {
    let directory: TemporaryDirectory
    let content = SeededGenerator.manyBytes(1_500_000, case: 40)
    let other = SeededGenerator.manyBytes(1_400_000, case: 41)

    init() throws { directory = try TemporaryDirectory() }

    func client(
        _ server: RangeServer, attempts: Int = 3, _ change: (inout Client.Configuration) -> Void = { _ in }
    ) throws -> (listener: FaultServer, client: Client) {
        let listener = try FaultServer(server.serve)
        let client = try Client(.get, listener.url) {
            $0.retry = Client.Retry(attempts: attempts, delay: .milliseconds(10))
            change(&$0)
        }
        return (listener, client)
    }

    /// The content of the saved file, which must be the only one.
    func saved() throws -> [UInt8] {
        #expect(try directory.contents() == ["file"])
        return try Array(directory.read("file"))
    }

    func save(_ client: Client) async throws -> Response {
        let response = try await client.send()
        #expect(try await response.save(to: directory.path("file")) == (saved().count))
        return response
    }
}
