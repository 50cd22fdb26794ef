import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("StatusError", .timeLimit(.minutes(3)))
struct StatusErrorTests {
    @Test("requireSuccess returns a success and throws the status and up to 64 KiB of the answer of others")
    func requireSuccess() async throws {
        let long = bottles(300_000)
        for (status, content, text) in [
            (404, Array("\n no such\u{7} bucket\nmore".utf8), ": no such bucket"), (500, [], ""), (413, long, nil),
        ] as [(Int, [UInt8], String?)] {
            let failing = try FaultServer { connection in
                while try connection.readRequest() != nil {
                    try connection.respond(status, content: content, fields: "X-A: b\r\n")
                }
            }
            let client = try Client()
            for _ in 0..<2 {
                let response = try await client.send(Request(.put, failing.url, content: .text("x")))
                let error = await #expect(throws: StatusError.self) { try await response.requireSuccess() }
                #expect(error?.status == status && error?.headerFields["x-a"] == "b")
                #expect(error?.content == Array(content.prefix(64 << 10)))
                if let text { #expect(error?.description == "the server answered with status \(status)\(text)") }
            }
        }
        let stored = try FaultServer(Recorder().serve)
        let response = try await Client().send(Request(.put, stored.url, content: .text("abc"))).requireSuccess()
        #expect(try await response.text() == "3")
    }
}
