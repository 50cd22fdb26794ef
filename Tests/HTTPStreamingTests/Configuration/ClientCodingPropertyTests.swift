import Foundation
import HTTPStreaming
import Synchronization
import TestSupport
import Testing

/// Random content, whose encoded blocks end anywhere in the buffers.
@Suite("Client, random content codings", .timeLimit(.minutes(3)))
struct ClientCodingPropertyTests {
    @Test("decoding the body gives the parts' content") func random() async throws {
        print("ClientCodingPropertyTests: TEST_SEED=\(SeededGenerator.seed)")
        let recorder = Recorder()
        let server = try FaultServer(recorder.serve)
        let directory = try TemporaryDirectory()
        for round in 0..<40 {
            var generator = SeededGenerator(case: round)
            var configuration = Client.Configuration()
            configuration.contentCoding = generator.pick([
                .gzip(level: .random(in: 0...9, using: &generator), workers: .random(in: 1...4, using: &generator)),
                .deflate(level: .random(in: 0...9, using: &generator)), .automatic,
            ])
            configuration.uploadBufferSize = .random(in: (16 << 10)...(1 << 20), using: &generator)
            let client = try Client(.post, server.url, configuration: configuration)
            var contents: [[UInt8]] = []
            var parts: [Part] = []
            for number in 0..<Int.random(in: 1...4, using: &generator) {
                let content = Self.content(&generator)
                let isFile = Bool.random(using: &generator)
                contents.append(content)
                let path = isFile ? try directory.write(content, to: "\(round) \(number)") : nil
                parts.append(path.map { .file($0) } ?? Part("file", .bytes(content)))
            }
            let unclosed = Int.random(in: 0...parts.count, using: &generator)
            for part in parts[..<unclosed] { try await client.sendUnclosed(part) }
            _ = try await client.send(Array(parts[unclosed...]))
            #expect(try recorder.lastParts().map(\.content) == contents, "round \(round): \(contents.map(\.count))")
        }
    }

    /// Runs of text, noise and one byte, with lengths around those of blocks and buffers.
    private static func content(_ generator: inout SeededGenerator) -> [UInt8] {
        var content: [UInt8] = []
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            let edge = generator.pick([0, 1000, 16 << 10, 65_535, 128 << 10, 256 << 10, 512 << 10])
            let count = max(0, edge + .random(in: -300...300, using: &generator))
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: content += bottles(count)
            case 1: content += generator.bytes(count)
            default: content += [UInt8](repeating: 7, count: count)
            }
        }
        return content
    }
}
