import ContentCoding
import HTTPStreaming
import TestSupport
import Testing

/// Resumption with the server of swift-nio-extras, through a proxy that cuts connections.
@Suite("Resumption with swift-nio-extras", .serialized, .timeLimit(.minutes(3)))
struct NIOResumptionTests {
    private func client(_ url: String, _ change: (inout Client.Configuration) -> Void = { _ in }) throws -> Client {
        try Client(.post, url) { configuration in
            configuration.resumption = .automatic(
                retry: Client.Retry(attempts: 20, delay: .milliseconds(5), maximumDelay: .milliseconds(50)))
            // A connection may be cut before the server has said that it supports resumption.
            configuration.retry = Client.Retry(attempts: 20, delay: .milliseconds(5), maximumDelay: .milliseconds(50))
            configuration.expect = .never
            change(&configuration)
        }
    }

    @Test(
        "the version is negotiated, and the body arrives byte for byte over connections that are cut", arguments: 0..<4)
    func cuts(number: Int) async throws {
        let server = try await NIOUploadServer()
        var generator = SeededGenerator(case: number)
        let limits = (0..<12).map { _ in Int.random(in: 1...1_500_000, using: &generator) }
        // Otherwise all cuts may come before the server has named the upload.
        let isNamed = number > 0
        let proxy = try CuttingProxy(to: server.port, countsFromResponse: isNamed) {
            $0 <= limits.count ? limits[$0 - 1] : nil
        }
        server.setOrigin(proxy.url)
        let content = generator.manyBytes(12_000_000)
        let client = try client(proxy.url) { if number == 3 { $0.contentCoding = .gzip() } }
        let response = try await client.send(Request(.put, proxy.url + "file", content: .bytes(content)))
        #expect(response.status == 201, "seed \(SeededGenerator.seed)")
        let body = try #require(server.bodies.value.last)
        #expect(
            try firstDifference((number == 3 ? Coding.gzip.decode(body) : body), content) == nil,
            "seed \(SeededGenerator.seed)")
        #expect(proxy.cutCount > 0 && (response.metrics.resumptions > 0 || !isNamed), "seed \(SeededGenerator.seed)")
        try await server.stop()
    }

    @Test("without cuts it is one refused request and one upload") func uncut() async throws {
        let server = try await NIOUploadServer()
        server.setOrigin("http://127.0.0.1:\(server.port)")
        let content = SeededGenerator.manyBytes(3_000_000, case: 5)
        let client = try client("http://127.0.0.1:\(server.port)/")
        let response = try await client.send(Part("file", .bytes(content)))
        #expect(try await response.text() == "\(server.bodies.value.last?.count ?? 0)" && response.status == 201)
        #expect(response.metrics.resumptions == 0)
        try await server.stop()
    }
}
