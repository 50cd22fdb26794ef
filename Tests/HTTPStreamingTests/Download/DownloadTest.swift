import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// What tests of downloads over several calls have in common: a folder, and two files of a server.
struct DownloadTest {
    let directory: TemporaryDirectory
    let content = SeededGenerator.manyBytes(1_500_000, case: 70)
    let other = SeededGenerator.manyBytes(1_600_000, case: 71)
    var path: String { directory.path("file") }

    init() throws { directory = try TemporaryDirectory() }

    /// Downloads once, without retries.
    func download(
        _ listener: FaultServer, _ query: String = "", _ change: (inout Client.Configuration) -> Void = { _ in }
    ) async throws -> Response {
        let client = try Client {
            $0.retry = .never
            change(&$0)
        }
        return try await client.download(listener.url + query, to: path, resuming: true)
    }

    /// Cuts a download after so many bytes.
    func interrupt(_ listener: FaultServer, _ query: String = "") async throws {
        await expectError(.connectionLost) { _ = try await download(listener, query) }
    }

    /// A server that cuts requests as long as there are numbers of bytes.
    func cutting(_ file: RangeServer.File, _ cuts: [Int]) throws -> (server: RangeServer, listener: FaultServer) {
        let server = RangeServer(file) { _, number in number <= cuts.count ? .cut(after: cuts[number - 1]) : .none }
        return (server, try FaultServer(server.serve))
    }

    func expectSaved(_ bytes: [UInt8], _ comment: Comment? = nil) throws {
        #expect(try directory.contents() == ["file"], comment)
        #expect(try Array(directory.read("file")) == bytes, comment)
    }
}
