import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, requests", .timeLimit(.minutes(2)))
struct ClientRequestTests {
    @Test("methods are sent by name, with a body if there is one") func methods() async throws {
        let recorder = Recorder()
        let server = try FaultServer(recorder.serve)
        for (method, hasBody) in [
            (Client.Method.get, false), (.put, true), (.patch, true), (.delete, false),
            (Client.Method("REPORT"), false),
        ] {
            let client = try Client(method, server.url)
            #expect(try await client.send().status == 201)
            let (head, body, _) = try #require(recorder.last)
            #expect(head.line == "\(method) / HTTP/1.1")
            #expect(body.isEmpty != hasBody)
            #expect((head["content-type"] != nil) == hasBody)
            #expect(try await client.send(.field("a", "1"), isUnclosed: true).status == 201)
            #expect(recorder.last?.body.isEmpty == false)
        }
    }

    @Test("HEAD accepts no parts and has no content") func head() async throws {
        let server = try FaultServer { connection in
            while try connection.readHead() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            }
        }
        let client = try Client(.head, server.url)
        await expectError(.invalidConfiguration) { try await client.send(.field("a", "b")) }
        let response = try await client.send()
        #expect(response.headerFields["content-length"] == "5")
        #expect(try await response.text() == "")
        #expect(try await client.send().status == 200)
        #expect(server.accepted == 1)
    }

    @Test("a small PUT does not wait for a 100; zero disables the limit on connecting") func smallPut() async throws {
        let (recorder, _, client) = try recording(.put) { $0.connectTimeout = .seconds(Int64.max) }
        #expect(try await client.send(.field("a", "b")).status == 201)
        #expect(recorder.last?.head["expect"] == nil)
        #expect(try await client.send(.filler(2 << 20)).status == 201)
        #expect(recorder.last?.head["expect"] == "100-continue")
    }

    @Test("configured header fields are sent, and replace the client's") func headerFields() async throws {
        let (recorder, _, client) = try recording {
            $0.headerFields = ["X-A": "1", "x-a": "2", "User-Agent": "mine", "X-Empty": ""]
            $0.expect = .never
        }
        _ = try await client.send(.filler(2 << 20))
        let head = try #require(recorder.last).head
        #expect(head.fields.filter { $0.name == "x-a" }.map(\.value) == ["1", "2"])
        #expect(head.fields.filter { $0.name == "user-agent" }.map(\.value) == ["mine"])
        #expect(head["x-empty"] == "")
        #expect(head["expect"] == nil)
    }

    @Test("invalid configurations and parts are refused at once") func validation() throws {
        for url in ["", "localhost:3000", "/path", "ftp://host/", "http://", "http://a b/", "file:///etc/passwd"] {
            let error = refusal(url)
            #expect(error?.code == .invalidURL, "\(url)")
            #expect(error?.description.hasPrefix("malformed URL: ") == true)
        }
        #expect(refusal("http://user:secret@a b/")?.description.contains("secret") == false)
        for fields: HeaderFields in [
            ["Content-type": "a/b"], ["Content-Length": "1"], ["Transfer-Encoding": "chunked"], ["A\r\nB": "c"],
            ["A": "b\r\nC: d"], ["": "x"], ["A b": "c"], ["A": "\0"], ["Expect": "100-continue"],
        ] {
            #expect(refusal { $0.headerFields = fields }?.code == .invalidConfiguration)
        }
        for size in [0, 16_383, (2 << 20) + 1] { #expect(refusal { $0.uploadBufferSize = size } != nil) }
        #expect(throws: ClientError.self) { try Client(Client.Method("GET /\r\n"), "http://h/") }
        #expect(refusal("http://h/\0x") != nil)
    }
}
