import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, retries", .serialized, .timeLimit(.minutes(2)))
struct ClientRetryTests {
    private func configuration(
        attempts: Int = 3, delay: Duration = .milliseconds(20), maximumTime: Duration = .seconds(60),
        unsafe: Bool = false
    ) -> Client.Configuration {
        var configuration = Client.Configuration()
        configuration.retry = Client.Retry(
            attempts: attempts, delay: delay, maximumTime: maximumTime, includesNonIdempotentMethods: unsafe)
        return configuration
    }

    /// A server that runs `fail` for so many requests, and answers the next ones.
    private func server(failures: Int, recorder: Recorder, _ fail: @escaping @Sendable (RawConnection) throws -> Void)
        throws -> FaultServer
    {
        let failed = Shared(0)
        return try FaultServer { connection in
            while let (head, body) = try connection.readRequest() {
                recorder.kept.append((head, body, connection.number))
                if failed.value < failures {
                    failed.update { $0 += 1 }
                    try fail(connection)
                } else {
                    try connection.respond(201, "\(body.count)")
                }
            }
        }
    }

    @Test(
        "a PUT is sent again with the same body after each temporary status",
        arguments: [408, 425, 429, 500, 502, 503, 504])
    func statuses(status: Int) async throws {
        let recorder = Recorder()
        let server = try server(failures: 2, recorder: recorder) { try $0.respond(status, "later") }
        let client = try Client(.put, server.url, configuration: configuration())
        let progress = Shared<[UploadProgress]>([])
        let response = try await client.send(Part("file", .bytes(bottles(100_000)))) { value in
            progress.update { $0.append(value) }
        }
        #expect(response.status == 201 && recorder.count == 3)
        #expect(recorder.request(0).body == recorder.request(1).body)
        #expect(recorder.request(0).body == recorder.request(2).body)
        #expect(progress.value.last?.bytesSent == Int64(recorder.request(2).body.count))
    }

    @Test("progress reports each retry with its cause before the delay") func reportedRetries() async throws {
        let server = try server(failures: 2, recorder: Recorder()) { try $0.respond(503, "later") }
        let client = try Client(.put, server.url, configuration: configuration(delay: .milliseconds(400)))
        let retries = Shared<[UploadProgress.Retry]>([])
        _ = try await client.send(.field("a", "b")) { value in
            if let retry = value.retry { retries.append(retry) }
        }
        #expect(retries.value.map(\.attempt) == [2, 3] && retries.value.allSatisfy { $0.maximumAttempts == 3 })
        #expect(retries.value.allSatisfy { $0.cause == "status 503" && $0.delay >= .milliseconds(200) })
    }

    @Test("the last try's response or error is the result") func lastTry() async throws {
        let recorder = Recorder()
        let server = try server(failures: .max, recorder: recorder) { try $0.respond(503, "never") }
        let response = try await Client(.put, server.url, configuration: configuration()).send(.field("a", "b"))
        #expect(try await response.summary() == "503 never" && recorder.count == 3)

        let resetting = try self.server(failures: .max, recorder: recorder) { $0.reset() }
        let error = await expectError(.connectionLost) {
            try await Client(.put, resetting.url, configuration: configuration(attempts: 4)).send(.field("a", "b"))
        }
        #expect(error?.bytesSent ?? 0 > 0)
        #expect(recorder.count == 3 + 4 && resetting.accepted == 4)
    }

    @Test("POST without permission, other statuses, and a limit of one try are not retried")
    func notCovered() async throws {
        for (method, configuration, status, count) in [
            (Client.Method.post, Client.Configuration(), 503, 1), (.patch, Client.Configuration(), 503, 1),
            (.post, configuration(unsafe: true), 503, 3), (.put, configuration(), 404, 1),
            (.put, configuration(), 501, 1), (.put, configuration(attempts: 1), 503, 1),
        ] {
            let recorder = Recorder()
            let server = try server(failures: .max, recorder: recorder) { try $0.respond(status) }
            let response = try await Client(method, server.url, configuration: configuration).send(.field("a", "b"))
            #expect(response.status == status && recorder.count == count, "\(method) \(status)")
        }
        let recorder = Recorder()
        let server = try server(failures: 1, recorder: recorder) { $0.reset() }
        await expectError(.connectionLost) { try await Client(.post, server.url).send(.field("a", "b")) }
        #expect(recorder.count == 1)
    }

    @Test("resets in mid-body, missing answers and refused connections are retried") func connections() async throws {
        let recorder = Recorder()
        let directory = try TemporaryDirectory()
        let path = try directory.write(bottles(8_000_000), to: "f")
        let resetting = try FaultServer { connection in
            guard connection.number == 1 else { return try recorder.serve(connection) }
            try connection.readBeginning(1_000_000)
            connection.reset()
        }
        #expect(try await Client(.put, resetting.url).send(.file(path)).status == 201)
        #expect(try receivedParts(of: recorder.request(0)).map(\.content) == [bottles(8_000_000)])

        let closing = try server(failures: 1, recorder: recorder) { $0.close() }
        #expect(try await Client(.put, closing.url).send(.field("a", "b")).status == 201)

        let refusing = "http://127.0.0.1:\(LoopbackPort.refusing)"
        let start = ContinuousClock.now
        await expectError(.connectionFailed) {
            try await Client(.put, refusing, configuration: configuration(delay: .milliseconds(200))).send(
                .field("a", "b"))
        }
        // At least half of 200 ms and of 400 ms.
        #expect(ContinuousClock.now - start >= .milliseconds(300))
    }

    @Test("Retry-After delays the next try; beyond the time limit the response is the result")
    func retryAfter() async throws {
        let recorder = Recorder()
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        for isDate in [false, true] {
            let end = Date.now + (isDate ? 2 : 1)
            let value = isDate ? formatter.string(from: end) : "1"
            let server = try server(failures: 1, recorder: recorder) {
                try $0.respond(503, fields: "Retry-After: \(value)\r\n")
            }
            let response = try await Client(.put, server.url, configuration: configuration()).send(.field("a", "b"))
            #expect(response.status == 201)
            // A date has no fraction of a second.
            #expect(Date.now > (isDate ? end - 1 : end))
        }
        let before = recorder.count
        let server = try server(failures: 1, recorder: recorder) {
            try $0.respond(503, fields: "Retry-After: 3600\r\n")
        }
        let response = try await Client(.put, server.url, configuration: configuration()).send(.field("a", "b"))
        #expect(response.status == 503 && recorder.count == before + 1)
    }

    @Test("no try begins after the time limit") func maximumTime() async throws {
        let recorder = Recorder()
        let server = try server(failures: .max, recorder: recorder) { try $0.respond(503) }
        let configuration = configuration(attempts: 1000, delay: .milliseconds(100), maximumTime: .milliseconds(500))
        #expect(try await Client(.put, server.url, configuration: configuration).send(.field("a", "b")).status == 503)
        // 50 to 100, 100 to 200, 200 to 400 ms: another try would be too late.
        #expect((2...4).contains(recorder.count))
    }

    @Test("cancelling during a delay ends at once, and the client stays usable") func cancellation() async throws {
        let recorder = Recorder()
        let server = try server(failures: 1, recorder: recorder) { try $0.respond(503, fields: "Retry-After: 30\r\n") }
        let client = try Client(.put, server.url)
        let task = Task { try await client.send(.field("a", "b")) }
        #expect(try await eventually { recorder.count == 1 })
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        await expectError(.cancelled, within: .seconds(30)) { try await task.value }
        #expect(try await client.send(.field("a", "b")).status == 201)
    }

    @Test("content that can be read once is not sent again after reading began, and the error says so")
    func readOnce() async throws {
        let recorder = Recorder()
        let server = try server(failures: 1, recorder: recorder) { $0.reset() }
        let pipe = try OpenPipe(holding: Array("once".utf8))
        let client = try Client(.put, server.url, configuration: configuration())
        let error = await expectError(.connectionLost) {
            try await client.send(Part("file", .descriptor(pipe.reader), filename: "stdin"))
        }
        let reason = "; it was not sent again: stdin can be read only once"
        #expect(error?.message.hasSuffix(reason) == true, "\(error.debugDescription)")
        #expect(error?.description.contains("\n") == false)
        #expect(recorder.count == 1)

        let refusing = try self.server(failures: 1, recorder: recorder) { try $0.respond(503, "later") }
        let other = try OpenPipe(holding: Array("once".utf8))
        let response = try await Client(.put, refusing.url, configuration: configuration()).send(
            Part("file", .descriptor(other.reader)))
        #expect(response.status == 503 && recorder.count == 2)
    }

    @Test("after a refused connection an unread pipe is sent with the next try") func readOnceUntouched() async throws {
        let recorder = Recorder()
        let pipe = try OpenPipe(holding: Array("once".utf8))
        let part = Part("file", .descriptor(pipe.reader))
        let client = try Client(.put, "http://127.0.0.1:\(LoopbackPort.refusing)", configuration: configuration())
        let error = await expectError(.connectionFailed) { try await client.send(part) }
        #expect(error?.message.contains("not sent again") == false)
        let server = try FaultServer(recorder.serve)
        _ = try await Client(.put, server.url).send(part)
        #expect(try receivedParts(of: recorder.request(0)).map(\.content) == [Array("once".utf8)])
    }

    @Test("an open request that loses its connection between two parts is sent again with all of them")
    func openRequest() async throws {
        let recorder = Recorder()
        let server = try FaultServer { connection in
            guard connection.number == 1 else { return try recorder.serve(connection) }
            try connection.readBeginning()
            connection.reset()
        }
        let client = try Client(.put, server.url, configuration: configuration())
        #expect(try await client.sendUnclosed(.field("a", "1")))
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await client.sendUnclosed(.field("b", "2")))
        #expect(try await client.close().status == 201)
        #expect(try receivedParts(of: recorder.request(0)).map(\.name) == ["a", "b"])
        #expect(server.accepted == 2)
    }

    @Test("an open request larger than what is kept is not sent again, and the error says so")
    func openRequestTooLarge() async throws {
        let server = try FaultServer { connection in
            try connection.readBeginning(1_500_000)
            connection.reset()
        }
        let client = try Client(.put, server.url, configuration: configuration())
        let error = await expectError(.connectionLost) {
            _ = try await eventually { !(try await client.sendUnclosed(Part("file", .bytes(bottles(500_000))))) }
        }
        #expect(error?.message.hasSuffix("; it was not sent again: parts that were sent have been released") == true)
        #expect(server.accepted == 1)
    }

    @Test("retries and redirects leave no descriptor open") func leaks() async throws {
        let recorder = Recorder()
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                switch recorder.count % 3 {
                case 0: try connection.respond(503)
                case 1: try connection.respond(307, fields: "Location: /x\r\n")
                default: try connection.respond(201)
                }
                recorder.kept.append((head, [], 1))
            }
        }
        let directory = try TemporaryDirectory()
        let path = try directory.write(bottles(100_000), to: "f")
        let client = try Client(.put, server.url, configuration: configuration(delay: .milliseconds(1)))
        let folder = directory.path
        for _ in 0..<30 {
            #expect(
                try await client.send(.file(path), Part("file", .stream { AsyncStream { [1] }.prefix(3) })).status
                    == 201)
        }
        #expect(try await eventually { try openDescriptors { $0.hasPrefix(folder) } == 0 })
    }
}
