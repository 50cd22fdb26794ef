import Foundation
import HTTPStreaming
import TestSupport
import Testing

@Suite("Round trips to this package's server", .timeLimit(.minutes(10)))
struct InteropRoundTripTests {
    private func client(_ server: ServerProcess) throws -> Client {
        return try Client(.post, server.url) { $0.headerFields = ["Want-Repr-Digest": "sha-256=10"] }
    }

    /// Sends a file by send and by sendUnclosed; compares the report and the saved file with it.
    private func roundTrip(_ path: String, digest: String, server: ServerProcess) async throws {
        let client = try client(server)
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64
        for isUnclosed in [false, true] {
            let response = try await client.send(.file(path), isUnclosed: isUnclosed)
            #expect(response.status == 201)
            let answer = try JSONDecoder().decode(ServerReport.self, from: Data(try await response.bytes()))
            #expect(answer.bytes == size)
            #expect(answer.parts.map(\.sha256) == [digest])
            if let name = answer.parts.first?.savedAs {
                let saved = server.directory.path(name)
                #expect(try await sha256(path: saved) == digest)
                try FileManager.default.removeItem(atPath: saved)
            }
        }
    }

    @Test("files of 0 B, 1 B, and around 64 KiB and 2 MiB arrive unchanged") func small() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let source = try TemporaryDirectory()
        for size in [0, 1, 65_535, 65_536, 65_537, (2 << 20) - 1, 2 << 20, (2 << 20) + 1] {
            let content = Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })
            let path = try source.write(content, to: "file \(size)")
            try await roundTrip(path, digest: sha256(content), server: server)
        }
        #expect(try server.directory.contents() == [])
    }

    @Test("the book arrives unchanged") func book() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let path = packageFile("payload/book.txt").path
        try await roundTrip(path, digest: await sha256(path: path), server: server)
    }

    @Test("a sparse file of 5 GiB with data around the buffers' edges arrives unchanged") func sparse() async throws {
        let source = try TemporaryDirectory()
        let path = source.path("sparse.bin")
        let size: UInt64 = 5 << 30
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: size)
        for offset: UInt64 in [0, 2 << 20, 1 << 30, (4 << 30) - 3, size - 7] {
            try file.seek(toOffset: offset)
            try file.write(contentsOf: Data("island\r".utf8))
        }
        try file.close()
        let digest = try await sha256(path: path)
        let free = try FileManager.default.attributesOfFileSystem(forPath: source.path)[.systemFreeSize] as? UInt64 ?? 0
        let isSaved = free > size + (8 << 30)
        if !isSaved { print("InteropRoundTripTests.sparse: too little space: only the digest is compared") }
        let server = try await ServerProcess.start(isSaved ? [] : ["--discard"], deadline: .seconds(540))
        defer { server.process.terminate() }
        try await roundTrip(path, digest: digest, server: server)
    }
}
