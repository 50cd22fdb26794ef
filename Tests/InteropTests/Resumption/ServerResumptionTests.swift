#if os(Linux)
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Resumption of the client with this package's server: connections are cut, and both processes are killed.
///
/// `RESUME_MEBIBYTES` and `RESUME_CUTS` make the upload over cut connections longer.
@Suite("Resumption with the server", .serialized, .timeLimit(.minutes(20)))
struct ServerResumptionTests {
    private static func number(_ name: String, default value: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
    }

    private func client(_ url: String, _ change: (inout Client.Configuration) -> Void = { _ in }) throws -> Client {
        try Client(.post, url) { configuration in
            configuration.resumption = .automatic(
                retry: Client.Retry(attempts: 60, delay: .milliseconds(20), maximumDelay: .milliseconds(500)))
            change(&configuration)
        }
    }

    /// Files with random content: their folder and their names.
    private func files(_ sizes: [Int], case number: Int) throws -> (TemporaryDirectory, [String]) {
        let directory = try TemporaryDirectory()
        var generator = SeededGenerator(case: number)
        let names = sizes.indices.map { "\($0).bin" }
        for (name, size) in zip(names, sizes) {
            try directory.write([], to: name)
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.path(name)))
            for start in stride(from: 0, to: size, by: 64 << 20) {
                try file.write(contentsOf: generator.manyBytes(min(64 << 20, size - start)))
            }
            try file.close()
        }
        return (directory, names)
    }

    private func check(
        _ server: RestartedServer, has files: [String], of directory: TemporaryDirectory,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for file in files {
            let comparison = try await Subprocess.run(
                "cmp", [server.directory.path(file), directory.path(file)], deadline: .seconds(100))
            #expect(
                comparison.status == 0, "\(comparison.output), seed \(SeededGenerator.seed)",
                sourceLocation: sourceLocation)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: server.directory.path)
        #expect(Set(names.filter { !$0.hasPrefix(".") }) == Set(files), sourceLocation: sourceLocation)
        try checkComplete(server.directory, sourceLocation: sourceLocation)
    }

    /// How many bytes a cut loses at most: those in the buffers of the sockets, and in the proxy.
    private static let sentAhead = 1 << 20

    /// `secureForm` is sent over TLS, by HTTP/2 if libcurl is new enough; those that are `created` begin with a request
    /// without content.
    enum Kind: CaseIterable { case form, compressedForm, secureForm, openForm, file, createdForm, createdOpenForm }

    @Test("an upload arrives byte for byte over connections that are cut at random", arguments: Kind.allCases)
    func cuts(kind: Kind) async throws {
        let size = Self.number("RESUME_MEBIBYTES", default: 30) << 20
        let cuts = Self.number("RESUME_CUTS", default: 12)
        let certificates = try await Certificates.shared
        let secured = ["--tls-cert", certificates.certificate("server"), "--tls-key", certificates.key("server")]
        let server = try RestartedServer(kind == .secureForm ? secured : [])
        try await server.restart()
        let number = 60 + (Kind.allCases.firstIndex(of: kind) ?? 0)
        let (directory, files) = try files(kind == .file ? [size] : [size / 2, 0, size - size / 2], case: number)
        var generator = SeededGenerator(case: number + 100)
        // libcurl opens a connection in vain when one breaks that it has used before.
        let limits = (0..<2 * cuts).map { _ in Int.random(in: 1...2 * size / (cuts + 2), using: &generator) }
        // The first response names the upload: before that, a POST would not be repeated.
        let proxy = try CuttingProxy(to: server.port, countsFromResponse: true, buffer: 64 << 10) {
            $0 <= limits.count ? limits[$0 - 1] : nil
        }
        let url = kind == .secureForm ? proxy.url.replacingOccurrences(of: "http:", with: "https:") : proxy.url
        let client = try client(url) { configuration in
            configuration.expect = .never
            configuration.tls.caFile = certificates.authority
            if kind == .secureForm, MultiHandle.sendsHTTP2 { configuration.httpVersion = .http2 }
            if kind == .compressedForm { configuration.contentCoding = .gzip(level: 1) }
            if kind == .createdForm || kind == .createdOpenForm {
                configuration.resumption = .automatic(
                    creation: .withoutContent, retry: configuration.resumption.retry)
            }
        }
        let parts = files.map { Part.file(directory.path($0)) }
        let response: Response
        switch kind {
        case .form, .compressedForm, .secureForm, .createdForm:
            response = try await client.send(parts)
        case .openForm, .createdOpenForm:
            for part in parts { #expect(try await client.sendUnclosed(part)) }
            response = try await client.close()
        case .file:
            response = try await client.send(Request(.put, url + files[0], content: .file(directory.path(files[0]))))
        }
        let message = "\(kind), seed \(SeededGenerator.seed)"
        #expect(response.status == 201, "\(message)")
        #expect(response.metrics.httpVersion == (kind == .secureForm && MultiHandle.sendsHTTP2 ? "2" : "1.1"))
        let (resumptions, sentAgain) = (response.metrics.resumptions, response.metrics.bytesSentAgain)
        #expect(resumptions > 0 && proxy.cutCount > 0, "\(message)")
        print("ServerResumptionTests: \(kind): \(resumptions) times resumed, \(sentAgain) bytes of \(size) twice")
        #expect(
            sentAgain <= Int64(size / 100 + resumptions * Self.sentAhead),
            "\(message): \(resumptions) times resumed, \(sentAgain) bytes twice")
        try await check(server, has: files, of: directory)
    }

    @Test("an upload arrives byte for byte at a server that is killed again and again", arguments: [false, true])
    func killedServer(isCompressed: Bool) async throws {
        let server = try RestartedServer()
        try await server.restart()
        let number = isCompressed ? 71 : 70
        let (directory, files) = try files([20_000_000, 10, 12_000_000], case: number)
        var generator = SeededGenerator(case: number)
        let client = try client("http://127.0.0.1:\(server.port)") { configuration in
            // Several seconds for the whole.
            configuration.maximumUploadBytesPerSecond = 6_000_000
            if isCompressed { configuration.contentCoding = .gzip(level: 1) }
        }
        let sending = Task { try await client.send(files.map { Part.file(directory.path($0)) }) }
        // The client knows where the upload is: before that, a POST would not be repeated.
        #expect(try await eventually { try server.unfinishedBytes > 2_000_000 })
        for _ in 0..<5 {
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...700, using: &generator)))
            try await server.restart()
        }
        let response = try await sending.value
        #expect(response.status == 201 && response.metrics.resumptions > 0, "seed \(SeededGenerator.seed)")
        try await check(server, has: files, of: directory)
    }

    @Test(
        "an upload continues behind nginx: on another server when the first one is killed, and when nginx is back",
        .enabled(if: Daemon.find("nginx") != nil, "SKIPPED: there is no nginx"), arguments: [true, false])
    func balanced(isServerKilled: Bool) async throws {
        let store = try await ObjectStore(.rclone)
        try FileManager.default.createDirectory(
            atPath: store.directory.path("bucket"), withIntermediateDirectories: true)
        var servers: [ServerProcess] = []
        let options = ["--storage", "s3://bucket", "--s3-endpoint", store.endpoint, "--log-level", "error"]
        let credentials = [
            "AWS_ACCESS_KEY_ID": ObjectStore.accessKey, "AWS_SECRET_ACCESS_KEY": ObjectStore.secretKey,
        ]
        for _ in 0..<2 { servers.append(try await ServerProcess.start(options, environment: credentials)) }
        defer { for server in servers { server.process.terminate(SIGKILL) } }
        let port = try LoopbackPort.free()
        let configuration = """
            upstream servers {
                server 127.0.0.1:\(servers[0].port) max_fails=1 fail_timeout=60s;
                server 127.0.0.1:\(servers[1].port) max_fails=1 fail_timeout=60s;
            }
            server {
                listen 127.0.0.1:\(port);
                client_max_body_size 0;
                location / { proxy_pass http://servers; proxy_http_version 1.0; proxy_request_buffering off; }
            }
            """
        let nginx = Shared<Daemon?>(try await Daemon.nginx(port: port, configuration))
        let content = SeededGenerator.manyBytes(60_000_000, case: 77)
        let client = try Client {
            $0.resumption = .automatic(
                creation: .withoutContent,
                retry: Client.Retry(attempts: 60, delay: .milliseconds(20), maximumDelay: .milliseconds(500)))
        }
        let killing = Task { [servers] in
            while true {
                // The one that has written half of the body to its temporary files.
                for server in servers {
                    let path = "/proc/\(server.process.processIdentifier)/io"
                    let counts = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
                    let written = counts.first { $0.hasPrefix("wchar: ") }.flatMap { Int($0.dropFirst(7)) }
                    guard written ?? 0 > content.count / 2 else { continue }
                    if isServerKilled {
                        server.process.terminate(SIGKILL)
                    } else {
                        // The last reference.
                        nginx.set(nil)
                        nginx.set(try await Daemon.nginx(port: port, configuration))
                    }
                    return
                }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        defer { killing.cancel() }
        let response = try await client.send(
            Request(.put, "http://127.0.0.1:\(port)/a", content: .bytes(content)))
        try await killing.value
        #expect(response.status == 201, "\(response)")
        #expect(response.metrics.resumptions > 0)
        let killed = isServerKilled ? "a server" : "nginx"
        print("ServerResumptionTests: \(killed) killed: \(response.metrics.bytesSentAgain) bytes twice")
        let stored = try store.directory.read("bucket/a")
        #expect(firstDifference([UInt8](stored), content) == nil)
        withExtendedLifetime(nginx) {}
    }

    @Test("an upload arrives byte for byte although both processes are killed again and again")
    func bothKilled() async throws {
        let server = try RestartedServer()
        try await server.restart()
        let (directory, files) = try files([60_000_000], case: 75)
        let journal = directory.path("journal")
        var generator = SeededGenerator(case: 76)
        let arguments = ["-resume", "-journal", journal]
        func start(_ arguments: [String]) throws -> Subprocess {
            let environment = ["UPLOAD_HOST": "http://127.0.0.1:\(server.port)"]
            return try Subprocess(
                Subprocess.product("example"), arguments, environment: environment, deadline: .seconds(60))
        }
        // Compressed, so that it takes a second or more.
        var process = try start(arguments + ["-gzip", "-filepath", directory.path(files[0])])
        #expect(try await eventually { FileManager.default.fileExists(atPath: journal) })
        var kills = 0
        for round in 0..<10 where FileManager.default.fileExists(atPath: journal) {
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &generator)))
            kills += 1
            if round != 1 { process.terminate(SIGKILL) }
            if round != 2 { try await server.restart() }
            guard round != 1 else { continue }
            _ = await process.result()
            guard FileManager.default.fileExists(atPath: journal) else { break }
            process = try start(arguments)
        }
        let result = await process.result()
        print("ServerResumptionTests: \(kills) times killed")
        #expect(!FileManager.default.fileExists(atPath: journal), "\(result.output) \(result.errorOutput)")
        #expect(kills >= 2, "the upload was too fast")
        try await check(server, has: files, of: directory)
    }
}
#endif
