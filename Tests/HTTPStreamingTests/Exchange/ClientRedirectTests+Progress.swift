import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// What progress reports of redirects.
extension ClientRedirectTests {
    /// A server that answers each request with the status and fields that `answer` returns for its path and its number, from 1.
    private func server(_ answer: @escaping @Sendable (Substring, Int) throws -> (Int, String)) throws -> FaultServer {
        let count = Shared(0)
        return try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                count.update { $0 += 1 }
                let (status, fields) = try answer(head.line.split(separator: " ")[1], count.value)
                try connection.respond(status, "an answer", fields: fields)
            }
        }
    }

    @Test("progress reports a redirect before the next response", arguments: [307, 308], [false, true])
    func reported(status: Int, isBodySent: Bool) async throws {
        let isReported = Shared(false)
        let wasReported = Shared<[Bool]>([])
        let target = try server { _, _ in
            for _ in 0..<500 where !isReported.value { usleep(10_000) }
            wasReported.append(isReported.value)
            return (201, "")
        }
        let start = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            if isBodySent { _ = try connection.readBody(of: head) }
            try connection.respond(status, fields: "Location: \(target.url)there\r\nConnection: close\r\n")
            while try !connection.receiveSome().isEmpty {}
        }
        let values = Shared<[UploadProgress]>([])
        let client = try Client(.put, start.url)
        let response = try await client.send(Part("file", .bytes(bottles(3_000_000)))) { value in
            values.append(value)
            if !value.redirects.isEmpty { isReported.set(true) }
        }
        #expect(response.status == 201 && wasReported.value == [true])
        let redirect = UploadProgress.Redirect(status: status, url: "\(target.url)there")
        let later = values.value.drop { $0.redirects.isEmpty }
        #expect(!later.isEmpty && later.allSatisfy { $0.redirects == [redirect] })
        #expect(values.value.last?.bytesSent == response.bytesSent)
    }

    @Test("a slow closure and a slow reader miss no redirect, and are told no credentials")
    func reportedTwice() async throws {
        let other = try server { path, _ in path == "/b" ? (308, "Location: c?q\r\n") : (201, "") }
        let url = other.url.replacingOccurrences(of: "//", with: "//user:password@")
        let start = try server { _, _ in (307, "Location: \(url)b\r\n") }
        let client = try Client(.post, start.url.replacingOccurrences(of: "//", with: "//user:password@"))
        let sequence = client.progress
        let last = Shared(UploadProgress())
        #expect(
            try await client.send(.field("a", "b")) { value in
                usleep(200_000)
                last.set(value)
            }.status == 201)
        let redirects = [
            UploadProgress.Redirect(status: 307, url: "\(other.url)b"),
            UploadProgress.Redirect(status: 308, url: "\(other.url)c?q"),
        ]
        #expect(last.value.redirects == redirects)
        for await value in sequence {
            #expect(value.redirects == redirects)
            break
        }
        // The next request has its own.
        _ = try await client.send(Request(.get, other.url)) { last.set($0) }
        #expect(last.value.redirects == [])
    }

    @Test("a redirect after a retry, and before another one, stays in the reports")
    func reportedBetweenRetries() async throws {
        let server = try server { path, number in
            switch number {
            case 1, 3: (503, "")
            case 2: (307, "Location: /there\r\n")
            default: (path == "/there" ? 201 : 400, "")
            }
        }
        let client = try Client(.put, server.url) { $0.retry = Client.Retry(attempts: 3, delay: .milliseconds(400)) }
        let values = Shared<[UploadProgress]>([])
        #expect(try await client.send(.field("a", "b")) { values.append($0) }.status == 201)
        let redirect = UploadProgress.Redirect(status: 307, url: "\(server.url)there")
        let retries = values.value.filter { $0.retry != nil }
        #expect(retries.map(\.retry?.attempt) == [2, 3] && retries.map(\.redirects) == [[], [redirect]])
        #expect(values.value.last?.redirects == [redirect])
    }

    @Test("a failure after a redirect, and a redirect that is not followed") func reportedAtFailure() async throws {
        let last = Shared(UploadProgress())
        let nobody = try server { _, _ in throw FaultError("closed") }
        let start = try server { path, _ in (path == "/not" ? 302 : 307, "Location: \(nobody.url)\r\n") }
        await expectError(.connectionLost) {
            try await Client(.post, start.url).send(.field("a", "b")) { last.set($0) }
        }
        #expect(last.value.redirects == [UploadProgress.Redirect(status: 307, url: nobody.url)])
        #expect(try await Client(.post, start.url + "not").send(.field("a", "b")) { last.set($0) }.status == 302)
        #expect(last.value.redirects == [])
    }
}
