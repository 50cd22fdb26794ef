import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Operation of the server", .timeLimit(.minutes(4)), .serialized)
struct OperationTests {
    private static let get = "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Waits until the server is answering `count` requests.
    private static func waitForRequests(_ count: Int, _ port: Int) throws {
        for _ in 0..<500 {
            let connection = try RawConnection(port: port)
            let metrics = try connection.ask("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").body
            // One more: the request for /metrics.
            if metrics.contains("requests_active \(count + 1)\n") { return }
            usleep(20_000)
        }
        Issue.record("the server is not answering \(count) requests")
    }

    @Test(
        "after a signal a running upload completes, idle connections close and new ones are refused",
        arguments: [SIGTERM, SIGINT])
    func gracefulStop(signal: Int32) async throws {
        let server = try await ServerProcess.start(["--shutdown-timeout", "20"])
        let (process, port) = (server.process, server.port)
        let (response, rest) = try await server.connected { connection in
            let idle = try RawConnection(port: port)
            #expect(try idle.ask(Self.get).status == 200)
            let body = RunningServer.document([("x", [UInt8](repeating: 7, count: 100_000))])
            try connection.send(RunningServer.head(length: body.count))
            try connection.send(Array(body[..<50_000]))
            try Self.waitForRequests(1, port)
            process.terminate(signal)
            #expect(try idle.receiveToEnd().isEmpty, "idle connections are closed at once")
            #expect(throws: RawConnection.Failure.self) { try RawConnection(port: port).ask(Self.get) }
            usleep(500_000)
            return (try connection.ask("", Array(body[50_000...])), try connection.receiveToEnd())
        }
        #expect(response.status == 201)
        #expect(response.head.contains("Connection: close\r\n"))
        #expect(rest.isEmpty)
        let result = await process.result()
        #expect(result.status == 0)
        #expect(result.errorOutput.contains("stopping when 1 request has ended, after 20 s at most"))
        #expect(try server.directory.contents() == ["x"])
    }

    @Test(
        "requests that do not end are cut off after the shutdown timeout or a second signal", arguments: [true, false])
    func shutdownTimeout(bySecondSignal: Bool) async throws {
        let server = try await ServerProcess.start(["--shutdown-timeout", bySecondSignal ? "100" : "1"])
        let process = server.process
        try server.directory.write([], to: "large")
        truncate(server.directory.path("large"), 1 << 30)
        let clock = ContinuousClock()
        let port = server.port
        let seconds = try await server.connected { upload in
            let (download, count) = (try RawConnection(port: port), try RawConnection(port: port))
            try upload.send(RunningServer.head(length: 1 << 30))
            try upload.send(RunningServer.document([("x", [UInt8](repeating: 7, count: 3_000_000))], close: ""))
            try download.send("GET /files/large HTTP/1.1\r\nHost: x\r\n\r\n")
            try count.send("GET /count/inf?interval=0.1 HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try count.receive(through: "\n2\n")
            try Self.waitForRequests(3, port)
            process.terminate()
            if bySecondSignal {
                usleep(500_000)
                process.terminate()
            }
            let start = clock.now
            // Neither response ends as a complete one does.
            let rest = (try? count.receiveToEnd()) ?? []
            #expect(!String(decoding: rest, as: UTF8.self).hasSuffix("\r\n0\r\n\r\n"))
            #expect((try? upload.receiveResponse().status) != 201)
            return clock.now - start
        }
        let result = await process.result()
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(seconds < .seconds(30))
        #expect(result.errorOutput.contains("3 requests have"), "\(result.errorOutput)")
        #expect(result.errorOutput.contains("3 requests were cut off"), "\(result.errorOutput)")
        #expect(try server.directory.contents() == ["large"])
    }

    @Test(
        "running HTTP/2 streams complete after a signal",
        .enabled(if: Subprocess.find("curl") != nil && Subprocess.find("openssl") != nil, "SKIPPED: no curl or openssl")
    )
    func gracefulStopHTTP2() async throws {
        let server = try await ServerProcess.start(["--shutdown-timeout", "30"], isSecure: true)
        let authority = try await Certificates.shared.authority
        let curl = try Subprocess(
            "curl", ["-sSN", "--http2", "--cacert", authority, "\(server.url)/count/6?interval=0.5"],
            deadline: .seconds(60))
        #expect(try await curl.firstLine() == "1")
        server.process.terminate()
        let result = await curl.result()
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(result.output == "1\n2\n3\n4\n5\n6\n")
        let end = await server.process.result()
        #expect(end.status == 0)
    }

    @Test(
        "HTTP/2 uploads and connections without a handshake are cut off after the shutdown timeout",
        .enabled(if: Subprocess.find("curl") != nil && Subprocess.find("openssl") != nil, "SKIPPED: no curl or openssl")
    )
    func shutdownTimeoutTLS() async throws {
        let server = try await ServerProcess.start(["--shutdown-timeout", "1"], isSecure: true)
        let authority = try await Certificates.shared.authority
        let upload = try Subprocess(
            "sh",
            [
                "-c", "{ cat /dev/zero | head -c 3000000; sleep 60; } | curl -sS --http2 --cacert \"$1\" -T - \"$2/x\"",
                "sh", authority, server.url,
            ], deadline: .seconds(60))
        defer { upload.terminate(SIGKILL) }
        let (process, url) = (server.process, server.url)
        _ = try await eventually {
            let metrics = try await Subprocess.run("curl", ["-sS", "--cacert", authority, url + "/metrics"])
            // One more: the request for /metrics.
            return metrics.output.contains("requests_active 2\n")
        }
        let (seconds, rest) = try await server.connected { silent -> (Duration, [UInt8]) in
            let start = ContinuousClock.now
            process.terminate()
            // The server may not have accepted the connection yet.
            let rest = try silent.receiveToClose()
            return (ContinuousClock.now - start, rest)
        }
        #expect(rest.isEmpty)
        #expect(seconds < .seconds(30))
        let result = await server.process.result()
        #expect(result.status == 0)
        #expect(result.errorOutput.contains("1 request has"), "\(result.errorOutput)")
        #expect(try server.directory.contents().isEmpty)
    }

    @Test("the JSON log has one object in each line") func jsonLog() async throws {
        let server = try await ServerProcess.start(["--log-format", "json"])
        _ = try await server.connected { connection in
            _ = try connection.ask("GET /echo/a%0Ab\"\\?secret HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try connection.ask("GET /nothing/here HTTP/1.1\r\nHost: x\r\n\r\n")
            try connection.send(RunningServer.head(length: 1000) + "--B\r\n")
        }
        _ = try await eventually { server.process.errorOutputSoFar.split(separator: "\n").count >= 3 }
        server.process.terminate()
        let result = await server.process.result()
        #expect(!result.errorOutput.contains("secret"))
        let lines = try result.errorOutput.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        let requests = lines.filter { $0["http.method"] != nil }
        try #require(requests.count == 3)
        #expect(requests[0]["level"] as? String == "info")
        #expect(requests[0]["logger"] as? String == "server")
        #expect(requests[0]["http.path"] as? String == "/echo/a%0Ab\"\\")
        #expect(requests[0]["http.status"] as? Int == 200)
        #expect(requests[0]["seconds"] as? Double != nil)
        #expect(requests[0]["client"] as? String == "127.0.0.1")
        #expect((requests[0]["time"] as? String)?.hasSuffix("Z") == true)
        #expect(requests[1]["level"] as? String == "warning")
        #expect((requests[1]["reason"] as? String)?.contains("this path does not exist") == true)
        #expect(requests[2]["http.status"] as? Int == 400)
    }

    @Test("the text log has one line for each request") func textLog() async throws {
        let server = try await ServerProcess.start()
        let stored = try await server.response(
            to: "PUT /files/%1B[31m?secret HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        #expect(stored.status == 201)
        #expect(try await server.response(to: "GET /files/none HTTP/1.1\r\nHost: x\r\n\r\n").status == 404)
        server.process.terminate()
        let lines = await server.process.result().errorOutput.split(separator: "\n")
        try #require(lines.count == 2, "\(lines)")
        #expect(lines[0].contains(" info server: PUT /files/%1B[31m 201 MB/s="))
        #expect(lines[0].contains(" bytes=1 client=127.0.0.1 parts=1 seconds="))
        #expect(lines[1].contains(" warning server: GET /files/none 404 "))
        #expect(lines[1].contains(" reason=\"no file of this name is stored: "))
    }

    @Test("the log level suppresses the lines of requests") func logLevel() async throws {
        let server = try await ServerProcess.start(["--log-level", "error"])
        _ = try await server.response(to: "GET /nothing/here HTTP/1.1\r\nHost: x\r\n\r\n")
        server.process.terminate()
        #expect(await server.process.result().errorOutput.isEmpty)
    }

    @Test("health and metrics report the requests in the format of Prometheus") func healthAndMetrics() async throws {
        let server = try await ServerProcess.start()
        let (health, metrics) = try await server.connected { connection in
            let body = RunningServer.document([("x", [UInt8](repeating: 1, count: 100_000))])
            #expect(try connection.ask(RunningServer.head(length: body.count), body).status == 201)
            #expect(try connection.ask("BREW /files HTTP/1.1\r\nHost: x\r\n\r\n").status == 501)
            let second = try RawConnection(port: server.port)
            let unknown = try second.ask(
                "PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(unknown.status == 501)
            let health = try second.receiveResponse()
            return (health, try second.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))
        }
        #expect(health.body == "{\"status\":\"ok\"}\n")
        #expect(metrics.head.contains("Content-Type: text/plain; version=0.0.4"))
        var values: [String: Double] = [:]
        for line in metrics.body.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            values[String(words[0])] = Double(words[1])
        }
        let value = { (name: String) in values["http_streaming_" + name] }
        #expect(value("requests_total{method=\"POST\",status=\"201\"}") == 1)
        #expect(value("requests_total{method=\"GET\",status=\"200\"}") == 1)
        #expect(value("requests_total{method=\"other\",status=\"501\"}") == 2)
        #expect(value("rejections_total{cause=\"not_implemented\"}") == 2)
        #expect(value("request_duration_seconds_count") == 4)
        #expect(value("request_duration_seconds_bucket{le=\"+Inf\"}") == 4)
        #expect(value("requests_active") == 1)
        #expect(value("connections_open") == 2, "the first connection is still lingering")
        #expect(try #require(value("received_bytes_total")) > 100_000)
        #expect(try #require(value("sent_bytes_total")) > 500)
        // As Prometheus requires: HELP, TYPE and all samples of a family follow one another.
        var (families, typed): ([Substring], Substring?) = ([], nil)
        for line in metrics.body.split(separator: "\n") {
            let words = line.split(separator: " ")
            switch words[1] {
            case "HELP":
                #expect(!families.contains(words[2]))
                families.append(words[2])
            case "TYPE":
                #expect(words[2] == families.last)
                typed = words[2]
            default:
                let name = words[0].prefix { $0 != "{" }
                #expect(typed == families.last)
                #expect(name.replacing(/_(bucket|sum|count)$/, with: "") == typed ?? "", "\(line)")
            }
        }
        #expect(families.count == 7)
        server.process.terminate()
    }
}
