import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// Files to this server and back, encoded on both ways.
@Suite("Coded round trips", .serialized, .timeLimit(.minutes(10)))
struct CodedRoundTripTests {
    private struct Answer: Decodable {
        struct Part: Decodable {
            let size: Int64
            let sha256: String
            let savedAs: String

            enum CodingKeys: String, CodingKey {
                case size, sha256
                case savedAs = "saved_as"
            }
        }

        let parts: [Part]
    }

    private static let codings: [Client.ContentCoding] = [.gzip(), .gzip(level: 1, workers: 1), .deflate(), .automatic]

    /// Sends a file, and fetches it by this client and by curl; compares digests all the way.
    private func roundTrip(
        _ path: String, digest: String, codings: [Client.ContentCoding], server: ServerProcess
    ) async throws {
        let fetched = try TemporaryDirectory()
        for coding in codings {
            var configuration = Client.Configuration()
            configuration.contentCoding = coding
            configuration.headerFields = ["Want-Repr-Digest": "sha-256=10"]
            let client = try Client(.post, server.url, configuration: configuration)
            for isUnclosed in [false, true] {
                if isUnclosed { try await client.sendUnclosed(.file(path)) }
                let response = isUnclosed ? try await client.close() : try await client.send(.file(path))
                let text = try await response.text()
                #expect(response.status == 201, "\(text)")
                let part = try #require(try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).parts.first)
                #expect(part.sha256 == digest)
                #expect(try sha256(path: server.directory.path(part.savedAs)) == digest)
                if !isUnclosed, coding == codings.first {
                    try await fetch(part.savedAs, digest: digest, from: server, to: fetched.path("file"))
                }
                try FileManager.default.removeItem(atPath: server.directory.path(part.savedAs))
            }
        }
        #expect(try server.directory.contents() == [])
    }

    private func fetch(_ name: String, digest: String, from server: ServerProcess, to path: String) async throws {
        let url = server.url + "/files/" + (name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
        let response = try await Client(.get, url).send()
        #expect(response.status == 200)
        try await response.save(to: path)
        #expect(try sha256(path: path) == digest, "by this client")
        let curl = try await Subprocess.run(
            "curl", ["-sS", "--fail", "--compressed", "-o", path, url], deadline: .seconds(300))
        #expect(curl.status == 0, "\(curl.errorOutput)")
        #expect(try sha256(path: path) == digest, "by curl")
    }

    @Test("of nothing, a byte, the book, and text around the edges of blocks and buffers")
    func small() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let source = try TemporaryDirectory()
        let book = try Data(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("payload/book.txt"))
        let text = Data(repeatElement(book, count: 3).joined())
        // A message's framing is some 150 bytes: its blocks end before the content's.
        let sizes = [0, 1, 261_990, 262_143, 262_144, 262_145, 524_288, 700_000]
        for content in [book] + sizes.map({ text.prefix($0) }) {
            let path = try source.write(content, to: "text \(content.count)")
            try await roundTrip(path, digest: sha256(content), codings: Self.codings, server: server)
        }
    }

    @Test("of 2 GiB of zeros, and of 1 GiB of random bytes", arguments: ["zero", "urandom"])
    func large(device: String) async throws {
        let source = try TemporaryDirectory()
        let path = source.path(device)
        let size = device == "zero" ? 2 << 30 : 1 << 30
        let free = try FileManager.default.attributesOfFileSystem(forPath: source.path)[.systemFreeSize] as? Int ?? 0
        guard free > 4 * size else {
            print("CodedRoundTripTests.large: SKIPPED: too little space in \(source.path)")
            return
        }
        let made = try await Subprocess.run(
            "sh", ["-c", "head -c \(size) /dev/\(device) >'\(path)'"], deadline: .seconds(60))
        try #require(made.status == 0, "\(made.errorOutput)")
        let server = try await ServerProcess.start(deadline: .seconds(540))
        defer { server.process.terminate() }
        // Random bytes at any other level only take longer.
        let coding = device == "zero" ? Client.ContentCoding.gzip() : .gzip(level: 1)
        try await roundTrip(path, digest: sha256(path: path), codings: [coding], server: server)
    }
}
