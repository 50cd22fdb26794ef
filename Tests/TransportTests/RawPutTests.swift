import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// A file as the body of a PUT, which has to be sent again. `RAW_PUT_MEBIBYTES` sets its size: 64 by default.
@Suite("Raw PUT", .serialized, .timeLimit(.minutes(5)))
struct RawPutTests {
    private let sizeInMebibytes = ProcessInfo.processInfo.environment["RAW_PUT_MEBIBYTES"].flatMap { Int($0) } ?? 64

    /// A request for the sample, and what the server must have received of it.
    private func expect(_ response: Response, _ sample: Sample) async throws {
        #expect(response.status == 201)
        let answer = try await response.answer()
        #expect(answer.parts.map(\.sha256) == [sample.sha256])
        #expect(answer.length == sample.size)
        #expect(response.bytesSent == sample.size)
    }

    @Test(
        "A PUT arrives byte for byte, with its length, over a dead kept connection and a redirect",
        arguments: [Client.Expectation.automatic, .never])
    func deadConnectionAndRedirect(expect: Client.Expectation) async throws {
        let server = try await GoServer()
        let sample = try await Sample(mebibytes: sizeInMebibytes)
        let client = try Client { $0.expect = expect }
        // Opens the connection that is dead then.
        #expect(try await client.send(Request(.get, server.url)).status == 201)
        let response = try await client.send(Request(.put, server.url + "dead", content: .file(sample.path)))
        try await self.expect(response, sample)
    }

    @Test("A PUT with digest authentication arrives byte for byte, with its length") func digest() async throws {
        let apache = try await DigestApache(password: "secret")
        let sample = try await Sample(mebibytes: sizeInMebibytes)
        let client = try Client()
        var request = Request(.put, apache.url, content: .file(sample.path))
        #expect(try await client.send(request).status == 401)
        request.authentication = .digest(user: "user", password: "secret")
        for _ in 0..<2 { try await expect(try await client.send(request), sample) }
    }
}
