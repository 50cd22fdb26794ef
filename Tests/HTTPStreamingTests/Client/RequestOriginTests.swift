import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Requests of one client to several origins.
@Suite("Request, several origins", .timeLimit(.minutes(2)))
struct RequestOriginTests {
    private let recorder = Recorder()
    private let server: FaultServer

    init() throws { server = try FaultServer(recorder.serve) }

    /// A server that sends each request on to the other one.
    private func redirectingServer() throws -> FaultServer {
        let url = server.url
        return try FaultServer { connection in
            _ = try connection.readRequest()
            try connection.respond(307, fields: "Location: \(url)there\r\n")
        }
    }

    @Test("a client keeps one connection, and what another server does with its own disturbs no request")
    func otherServerCloses() async throws {
        let closing = try FaultServer { connection in
            _ = try connection.readRequest()
            try connection.respond(201, "")
            usleep(200_000)
        }
        let client = try Client()
        for isRepeatable in [false, true] {
            #expect(try await client.send(Request(.get, server.url)).status == 201)
            #expect(try await client.send(Request(.get, closing.url)).status == 201)
            let count = recorder.count
            let make: @Sendable () -> AsyncStream<[UInt8]> = {
                AsyncStream { continuation in
                    Task {
                        continuation.yield([1, 2, 3])
                        try? await Task.sleep(for: .milliseconds(600))
                        continuation.yield([4])
                        continuation.finish()
                    }
                }
            }
            let content: Content = isRepeatable ? .stream(makeSequence: make) : .stream(make())
            #expect(try await client.send(Request(.put, server.url, content: content)).status == 201)
            #expect(recorder.count == count + 1 && recorder.last?.body == [1, 2, 3, 4])
        }
        #expect(server.errors == [])
    }

    @Test("a refusal in mid-body is received after a request to another origin, and nothing is sent twice")
    func refusalAfterOtherOrigin() async throws {
        let posts = Shared(0)
        let refusing = try FaultServer { connection in
            while let head = try connection.readHead() {
                guard head.line.hasPrefix("POST") else {
                    try connection.respond(201, "")
                    continue
                }
                posts.update { $0 += 1 }
                _ = try connection.receive(count: 100_000)
                try connection.respond(413, "too long", fields: "Connection: close\r\n")
                return
            }
        }
        let client = try Client { $0.expect = .never }
        let content = Content.bytes([UInt8](repeating: 1, count: 30 << 20))
        for round in 1...10 {
            #expect(try await client.send(Request(.get, refusing.url)).status == 201)
            #expect(try await client.send(Request(.get, server.url)).status == 201)
            let response = try await client.send(Request(.post, refusing.url, content: content))
            #expect(response.status == 413)
            #expect(posts.value == round)
        }
    }

    @Test("a redirect to another origin keeps the fields that describe the body")
    func representationFields() async throws {
        let redirecting = try redirectingServer()
        let fields: HeaderFields = ["Content-Type": "text/x", "Content-Encoding": "gzip", "X-Key": "secret"]
        let request = Request(.put, redirecting.url, headerFields: fields, content: .bytes([1, 2]))
        #expect(try await Client().send(request).status == 201)
        let head = try #require(recorder.last).head
        #expect(head["content-type"] == "text/x" && head["content-encoding"] == "gzip" && head["x-key"] == nil)
    }

    @Test("the credentials of a request replace those of the configuration, in either form")
    func replacedCredentials() async throws {
        var request = Request(.get, server.url)
        request.authentication = .bearer("new")
        _ = try await Client { $0.headerFields = ["Authorization": "Bearer old"] }.send(request)
        #expect(recorder.last?.head["authorization"] == "Bearer new")
        let own = Request(.get, server.url, headerFields: ["Authorization": "Bearer new"])
        for authentication in [Client.Authentication.bearer("old"), .digest(user: "a", password: "b")] {
            _ = try await Client { $0.authentication = authentication }.send(own)
            #expect(recorder.last?.head["authorization"] == "Bearer new")
        }
    }

    @Test("A redirect to another origin takes neither the request's fields nor its credentials along")
    func redirect() async throws {
        let redirecting = try redirectingServer()
        var request = Request(
            .put, redirecting.url, headerFields: ["X-Key": "secret", "Content-Type": "text/x"], content: .text("body"))
        request.authentication = .bearer("secret")
        #expect(try await Client().send(request).status == 201)
        let sent = recorder.request(0)
        #expect(sent.head.line == "PUT /there HTTP/1.1" && sent.body == Array("body".utf8))
        #expect(sent.head["authorization"] == nil && sent.head["x-key"] == nil)
        #expect(sent.head["content-length"] == "4")
    }
}
