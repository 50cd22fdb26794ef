import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// Successive requests on one client, for which libcurl keeps the options that stay the same.
@Suite("Client, repeated requests", .timeLimit(.minutes(2)))
struct ClientRepeatedTests {
    /// Requests that need different options of libcurl.
    enum Kind: CaseIterable {
        case short, file, long, unclosed, gzipped, none

        func send(_ client: Client, file: String) async throws -> Response {
            switch self {
            case .short: return try await client.send(.field("a", "b"))
            case .file: return try await client.send(.file(file))
            case .long: return try await client.send(.filler(1_500_000))
            case .unclosed: return try await client.send(.field("a", "b"), isUnclosed: true)
            case .gzipped: return try await client.send(.file(file).gzipped())
            case .none: return try await client.send()
            }
        }
    }

    @Test(
        "each request is framed correctly after any other one; short ones send no Expect",
        arguments: [Client.Method.post, .put, .get, .delete])
    func kinds(method: Client.Method) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Data(repeating: 7, count: 100_000), to: "file")
        let (recorder, server, client) = try recording(method)
        var generator = SeededGenerator(case: 0)
        // Each kind after each other one, and after itself.
        var kinds = Kind.allCases.flatMap { first in Kind.allCases.flatMap { [first, $0, $0] } }
        kinds.shuffle(using: &generator)
        for kind in kinds {
            let response = try await kind.send(client, file: file)
            #expect(response.status == 201, "\(kind), seed \(SeededGenerator.seed)")
            let (head, body, _) = try #require(recorder.last)
            #expect(try await response.text() == "\(body.count)")
            #expect(head.line == "\(method) / HTTP/1.1")
            let isChunked = kind == .unclosed || kind == .gzipped
            let hasBody = kind != .none || method.impliesBody
            #expect((head["transfer-encoding"] != nil) == isChunked, "\(kind)")
            #expect((head["content-length"] != nil) == (hasBody && !isChunked), "\(kind)")
            #expect((head["content-type"] != nil) == hasBody, "\(kind)")
            #expect((head["expect"] != nil) == (kind == .long || isChunked), "\(kind)")
        }
        #expect(server.accepted == 1)
    }

    @Test("with expect = .never no request sends Expect", arguments: [Client.Method.post, .put], Kind.allCases)
    func neverExpects(method: Client.Method, kind: Kind) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Data(repeating: 7, count: 100_000), to: "file")
        let (recorder, _, client) = try recording(method) { $0.expect = .never }
        for _ in 0..<2 { #expect(try await kind.send(client, file: file).status == 201) }
        #expect(recorder.requests.allSatisfy { $0.head["expect"] == nil })
    }

    @Test(
        "credentials are sent again, whatever the server answered before",
        arguments: ["", "WWW-Authenticate: Negotiate\r\n", "WWW-Authenticate: Basic realm=\"r\"\r\n"])
    func authentication(challenge: String) async throws {
        let heads = Shared<[RequestHead]>([])
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                heads.update { $0.append(head) }
                try connection.respond(heads.value.count.isMultiple(of: 2) ? 200 : 401, "x", fields: challenge)
            }
        }
        for authentication in [Client.Authentication.basic(user: "u", password: "p"), .bearer("t")] {
            let client = try Client(.post, server.url) { $0.authentication = authentication }
            for status in [401, 200, 401, 200] {
                #expect(try await client.send(.field("a", "b")).status == status)
            }
        }
        #expect(heads.value.count == 8)
        #expect(heads.value.allSatisfy { $0["authorization"] != nil })
    }

    /// The second request is sent whole by the call itself, while the agent's thread sleeps, for as long as it likes,
    /// and nothing ever comes that would wake it.
    @Test("a request without an answer times out on a kept connection too") func alarm() async throws {
        let server = try FaultServer { connection in
            guard try connection.readRequest() != nil else { return }
            try connection.respond(200, "x")
            _ = try connection.readHead()
            usleep(20_000_000)
        }
        let client = try Client(.post, server.url) { $0.requestTimeout = .milliseconds(300) }
        #expect(try await client.send(.field("a", "b")).text() == "x")
        // Until the time limit of the first request would have woken the thread.
        try await Task.sleep(for: .milliseconds(600))
        let start = ContinuousClock.now
        await expectError(.timedOut, within: .seconds(30)) { try await client.send(.field("a", "b")) }
        #expect(ContinuousClock.now - start >= .milliseconds(300))
    }

    @Test("the progress of a refused open request is reported at its end") func progressOfRefused() async throws {
        let server = try refusingServer(413, "no")
        let client = try Client(.post, server.url)
        #expect(try await eventually { !(try await client.sendUnclosed(.filler(32 << 20))) })
        let last = Shared(UploadProgress())
        let response = try await client.close { last.set($0) }
        #expect(response.status == 413)
        #expect(response.bytesSent > 0 && last.value.bytesSent == response.bytesSent)
    }
}
