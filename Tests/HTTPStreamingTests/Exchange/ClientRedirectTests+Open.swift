import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// Redirects of open requests.
extension ClientRedirectTests {
    @Test("an open request follows a redirect with all of its parts and goes on") func openRequest() async throws {
        let recorder = Recorder()
        let server = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            if head.line.contains("/there") {
                try recorder.take(head, try connection.readBody(of: head), connection)
            } else {
                if head["expect"] != nil { try connection.sendInterim(100) }
                _ = try connection.readChunk()
                _ = try connection.readChunk()
                try connection.respond(307, fields: "Location: /there\r\nConnection: close\r\n")
            }
        }
        let client = try Client(.post, server.url)
        for number in 0..<5 {
            #expect(try await client.sendUnclosed(.field("\(number)", "\(number)")))
            // So that the response arrives before the next part.
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await client.close().status == 201)
        #expect(recorder.count == 1)
        #expect(try receivedParts(of: recorder.request(0)).map(\.name) == ["0", "1", "2", "3", "4"])
    }

    @Test("after more parts than are kept, the redirect is the response") func openRequestTooLarge() async throws {
        let isRead = Gate()
        let server = try FaultServer { connection in
            try connection.readBeginning(1_500_000)
            isRead.open()
            try connection.respond(307, "there", fields: "Location: /there\r\n")
            while try !connection.receiveSome().isEmpty {}
        }
        let client = try Client(.post, server.url)
        // The last one may notice the response.
        for _ in 0..<3 { try await client.sendUnclosed(Part("file", .bytes(bottles(500_000)))) }
        await isRead.opened()
        #expect(try await eventually { !(try await client.sendUnclosed(.field("a", "b"))) })
        #expect(try await client.close().summary() == "307 there")
    }

    @Test("a redirect is followed until content that can be read once was read; then it is the response")
    func readOnce() async throws {
        for bytesRead in [0, 100_000] {
            let recorder = Recorder()
            let server = try FaultServer { connection in
                guard let head = try connection.readHead() else { return }
                if head.line.contains("/there") {
                    return try recorder.take(head, try connection.readBody(of: head), connection)
                }
                if bytesRead > 0 {
                    try connection.send("HTTP/1.1 100 Continue\r\n\r\n")
                    _ = try connection.receive(count: bytesRead)
                }
                try connection.respond(307, "there", fields: "Location: /there\r\nConnection: close\r\n")
                while try !connection.receiveSome().isEmpty {}
            }
            let pipe = try OpenPipe()
            pipe.writeInBursts(bottles(500_000), case: 1)
            let client = try Client(.post, server.url)
            let response = try await client.send(Part("file", .descriptor(pipe.reader)))
            #expect(response.status == (bytesRead == 0 ? 201 : 307))
            if bytesRead > 0 {
                #expect(try await response.text() == "there")
            } else {
                #expect(try receivedParts(of: recorder.request(0)).map(\.content) == [bottles(500_000)])
            }
        }
    }
}
