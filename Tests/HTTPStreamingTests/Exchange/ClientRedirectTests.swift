import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, redirects", .serialized, .timeLimit(.minutes(2)))
struct ClientRedirectTests {
    /// A server that reads each request and answers with the status and fields that `answer` returns, otherwise 201.
    private func server(
        _ recorder: Recorder, readsBody: Bool = true, _ answer: @escaping @Sendable (RequestHead) -> (Int, String)?
    ) throws -> FaultServer {
        try FaultServer { connection in
            while let head = try connection.readHead() {
                let answer = answer(head)
                let body = readsBody || answer == nil ? try connection.readBody(of: head) : []
                recorder.kept.append((head, body, connection.number))
                if let (status, fields) = answer {
                    try connection.respond(status, "elsewhere", fields: fields)
                } else {
                    try connection.respond(201, "\(body.count)")
                }
            }
        }
    }

    private func path(_ head: RequestHead) -> String { String(head.line.split(separator: " ")[1]) }

    private var secrets: Client.Configuration {
        var configuration = Client.Configuration()
        configuration.headerFields = ["Authorization": "Bearer secret", "X-Key": "secret"]
        return configuration
    }

    @Test(
        "307 and 308 within an origin keep method, body and fields, for every form of Location",
        arguments: ["/there", "there?q=1", "//HOST/there", "http://HOST/there#part", "../there", "/th ére", "?q"],
        [307, 308])
    func sameOrigin(location: String, status: Int) async throws {
        let recorder = Recorder()
        let server = try server(recorder) { head in
            guard head.line.contains(" /here/ ") else { return nil }
            let host = head["host"] ?? ""
            return (status, "Location: \(location.replacingOccurrences(of: "HOST", with: host))\r\n")
        }
        let directory = try TemporaryDirectory()
        let file = try directory.write(bottles(300_000), to: "f")
        let client = try Client(.patch, server.url + "here/", configuration: secrets)
        #expect(try await client.send(.file(file), .field("a", "b")).status == 201)
        #expect(recorder.count == 2)
        let (first, second) = (recorder.request(0), recorder.request(1))
        #expect(first.body == second.body && first.body.count > 300_000)
        #expect(first.connection == second.connection)
        #expect(second.head.line.hasPrefix("PATCH "))
        #expect(second.head["authorization"] == "Bearer secret" && second.head["x-key"] == "secret")
        let paths = [
            "/there": "/there", "there?q=1": "/here/there?q=1", "//HOST/there": "/there",
            "http://HOST/there#part": "/there", "../there": "/there", "/th ére": "/th%20%c3%a9re", "?q": "/here/?q",
        ]
        #expect(path(second.head).lowercased() == paths[location])
    }

    @Test("another port receives no configured field and no user of the URL, nor does the way back")
    func otherOrigin() async throws {
        let recorder = Recorder()
        let home = Shared("")
        let other = try server(recorder) { [home] head in
            head.line.contains("/back") ? (307, "Location: \(home.value)end\r\n") : nil
        }
        let start = try server(recorder) { head in
            head.line.contains("/end") ? nil : (308, "Location: \(other.url)back\r\n")
        }
        home.set(start.url)
        let url = start.url.replacingOccurrences(of: "//", with: "//user:password@")
        let client = try Client(.post, url) { $0.headerFields = ["X-Key": "secret"] }
        #expect(try await client.send(Part("file", .bytes(bottles(1000)))).status == 201)
        let requests = recorder.requests
        #expect(requests.count == 3)
        #expect(requests[0].head["x-key"] == "secret" && requests[0].head["authorization"] != nil)
        for request in requests.dropFirst() {
            #expect(request.body == requests[0].body)
            let all = request.head.fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
            #expect(!all.contains("secret") && !all.contains("x-key") && request.head["authorization"] == nil)
            #expect(request.head["content-type"]?.hasPrefix("multipart/form-data; boundary=") == true)
        }
        // The next request goes to the client's own URL.
        _ = try await client.send(.field("a", "b"))
        #expect(recorder.request(3).head["x-key"] == "secret")
    }

    @Test("within an origin the URL's user and password are sent again") func userInformation() async throws {
        let recorder = Recorder()
        let server = try server(recorder) { head in
            head.line.contains("/there") ? nil : (307, "Location: http://\(head["host"] ?? "")/there\r\n")
        }
        let url = server.url.replacingOccurrences(of: "//", with: "//user:password@")
        _ = try await Client(.post, url).send(.field("a", "b"))
        #expect(recorder.request(1).head["authorization"] == "Basic dXNlcjpwYXNzd29yZA==")
        #expect(recorder.request(0).head["authorization"] == recorder.request(1).head["authorization"])
    }

    @Test("301, 302 and 303 are followed for GET and HEAD; otherwise they are the response")
    func becomesGet() async throws {
        for status in [301, 302, 303, 307] {
            let recorder = Recorder()
            let server = try server(recorder) { head in
                guard !head.line.contains("/there") else { return nil }
                return (status, "Location: /there\r\n")
            }
            for method in [Client.Method.get, .post, .put, .patch, .delete] {
                let before = recorder.count
                let client = try Client(method, server.url)
                let response = try await method.impliesBody ? client.send(.field("a", "b")) : client.send()
                let isFollowed =
                    status == 307 || method == .get || method == .delete && status != 303
                #expect(response.status == (isFollowed ? 201 : status), "\(method) \(status)")
                #expect(recorder.count - before == (isFollowed ? 2 : 1))
                let text = try await response.text()
                #expect(isFollowed || text == "elsewhere")
            }
        }
        let heads = Recorder()
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                heads.kept.append((head, [], 1))
                try connection.send(
                    head.line.contains("/there")
                        ? "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
                        : "HTTP/1.1 302 Found\r\nContent-Length: 7\r\nLocation: /there\r\n\r\n")
            }
        }
        #expect(try await Client(.head, server.url).send().status == 200)
        #expect(heads.count == 2 && heads.request(1).head.line == "HEAD /there HTTP/1.1")
    }

    @Test("a loop is an error after the allowed number of redirects; with none allowed it is the response")
    func loop() async throws {
        let recorder = Recorder()
        let server = try server(recorder) { _ in (307, "Location: /\r\n") }
        for (maximum, requests) in [(10, 11), (2, 3)] {
            let before = recorder.count
            let client = try Client(.post, server.url) { $0.maximumRedirects = maximum }
            let error = await expectError(.tooManyRedirects) { try await client.send(.field("a", "b")) }
            #expect(error?.message == "the server redirected more than \(maximum) times")
            #expect(recorder.count - before == requests)
        }
        let response = try await Client(.post, server.url, { $0.maximumRedirects = 0 }).send(.field("a", "b"))
        #expect(try await response.summary() == "307 elsewhere")
    }

    @Test(
        "an invalid Location is not followed",
        arguments: [
            "", "Location: ftp://example.invalid/\r\n", "Location: http://\r\n", "Location: file:///etc/passwd\r\n",
        ])
    func nowhere(fields: String) async throws {
        let server = try server(Recorder()) { _ in (307, fields) }
        #expect(try await Client(.post, server.url).send(.field("a", "b")).status == 307)
    }

    @Test("a redirect in mid-body of a large file is followed, with and without Expect", arguments: [true, false])
    func midBody(expects: Bool) async throws {
        let recorder = Recorder()
        let target = try FaultServer { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            let length = Int(head["content-length"] ?? "") ?? 0
            var left = length
            var end: [UInt8] = []
            while left > 0 {
                end = try connection.receiveSome()
                guard !end.isEmpty else { return }
                left -= end.count
            }
            recorder.kept.append((head, end.suffix(8), 1))
            try connection.respond(201, "\(length)")
        }
        let start = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            if expects {
                // Before the body.
                try connection.respond(307, "there", fields: "Location: \(target.url)\r\n")
            } else {
                if head["expect"] != nil { try connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
                _ = try connection.receive(count: 1_000_000)
                try connection.respond(307, "there", fields: "Location: \(target.url)\r\nConnection: close\r\n")
            }
            while try !connection.receiveSome().isEmpty {}
        }
        let directory = try TemporaryDirectory()
        let path = directory.path("big")
        #expect(FileManager.default.createFile(atPath: path, contents: nil) && truncate(path, 64 << 20) == 0)
        let progress = Shared<[UploadProgress]>([])
        let client = try Client(.put, start.url)
        let response = try await client.send(.file(path)) { value in progress.update { $0.append(value) } }
        #expect(try await response.summary() == "201 \(response.bytesSent)")
        #expect(response.bytesSent > 64 << 20)
        #expect(String(decoding: recorder.request(0).body, as: UTF8.self).hasSuffix("--\r\n"))
        // Counted from the start, and never beyond the total.
        let last = try #require(progress.value.last)
        #expect(last.bytesRead == response.bytesSent && last.totalBytes == response.bytesSent)
        #expect(progress.value.allSatisfy { $0.bytesRead <= response.bytesSent })
    }

    @Test("the redirect's content, however long, slow or cut off, does not delay the next request")
    func content() async throws {
        for ending in 0..<3 {
            let server = try FaultServer { connection in
                while let (head, _) = try connection.readRequest() {
                    guard !head.line.contains("/there") else {
                        try connection.respond(201, "there")
                        continue
                    }
                    try connection.send("HTTP/1.1 307 No\r\nLocation: /there\r\nContent-Length: 8000000\r\n\r\n")
                    if ending == 0 { try connection.send([UInt8](repeating: 1, count: 8_000_000)) }
                    if ending == 1 { return }
                    if ending == 2 { return _ = connection.isClosedByPeer() }
                }
            }
            #expect(try await Client(.post, server.url).send(Part("file", .bytes(bottles(10_000)))).text() == "there")
        }
    }
}
