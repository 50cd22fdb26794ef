import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Downloads from real servers, over connections that are cut at random places.
@Suite("Downloads continued, real servers", .timeLimit(.minutes(5)))
struct DownloadResumptionTests {
    private static let size = 12_000_000
    private static let cutCount = 8

    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A proxy that cuts the first connections.
    private func proxy(to port: Int, case number: Int) throws -> CuttingProxy {
        var generator = SeededGenerator(case: number)
        let limits = (0..<Self.cutCount).map { _ in Int.random(in: 20_000...1_200_000, using: &generator) }
        return try CuttingProxy(to: port, cutsResponses: true) { $0 <= limits.count ? limits[$0 - 1] : nil }
    }

    /// Downloads a file in one call, and in calls that are interrupted each time.
    private func expectContinued(
        port: Int, path: String, _ content: [UInt8], case number: Int,
        scheme: String = "http", httpVersion: String = "1.1",
        _ change: (inout Client.Configuration) -> Void = { _ in }
    ) async throws {
        for isOneCall in [true, false] {
            let proxy = try proxy(to: port, case: number)
            let url = proxy.url.replacingOccurrences(of: "http:", with: scheme + ":") + path
            let client = try Client {
                change(&$0)
                $0.retry = isOneCall ? Client.Retry(delay: .milliseconds(10)) : .never
            }
            let destination = directory.path("file")
            var failures = 0
            var received: Int64 = 0
            while true {
                let seen = Shared<[Int64]>([])
                let last = Shared(DownloadProgress())
                defer { received = last.value.bytesReceived }
                do {
                    let response = try await client.download(url, to: destination, resuming: !isOneCall) { progress in
                        seen.append(progress.bytesReceived)
                        last.set(progress)
                    }
                    #expect(last.value.bytesReceived == content.count && last.value.totalBytes == Int64(content.count))
                    #expect(last.value.resumptions == response.metrics.resumptions)
                    #expect(response.metrics.httpVersion == httpVersion)
                    #expect(response.metrics.resumptions == (isOneCall ? Self.cutCount : 0))
                    break
                } catch ClientError.Code.connectionLost where !isOneCall && failures < Self.cutCount {
                    failures += 1
                    #expect(try Int64(directory.read("file.part").count) == last.value.bytesReceived)
                }
                #expect(seen.value.first ?? -1 >= received && seen.value == seen.value.sorted())
            }
            #expect(failures == (isOneCall ? 0 : Self.cutCount))
            #expect(proxy.cutCount == Self.cutCount)
            #expect(try directory.contents() == ["file"])
            #expect(try Array(directory.read("file")) == content, "seed \(SeededGenerator.seed)")
        }
    }

    @Test("this package's server") func ownServer() async throws {
        let server = try await ServerProcess.start()
        let content = SeededGenerator.manyBytes(Self.size, case: 80)
        try server.directory.write(content, to: "big.bin")
        try await expectContinued(port: server.port, path: "files/big.bin", content, case: 81)
    }

    @Test("this package's server, over TLS and HTTP/2") func secure() async throws {
        let server = try await ServerProcess.start(isSecure: true)
        let content = SeededGenerator.manyBytes(Self.size, case: 82)
        try server.directory.write(content, to: "big.bin")
        let authority = try await Certificates.shared.authority
        for isHTTP2 in MultiHandle.sendsHTTP2 ? [false, true] : [false] {
            try await expectContinued(
                port: server.port, path: "files/big.bin", content, case: 83, scheme: "https",
                httpVersion: isHTTP2 ? "2" : "1.1"
            ) {
                $0.tls.caFile = authority
                $0.httpVersion = isHTTP2 ? .http2 : .http1
            }
        }
    }

    @Test("this package's server, whose file is replaced in between") func replaced() async throws {
        let server = try await ServerProcess.start()
        let (old, new) = (
            SeededGenerator.manyBytes(Self.size, case: 84), SeededGenerator.manyBytes(Self.size - 1, case: 85)
        )
        try server.directory.write(old, to: "big.bin")
        let proxy = try CuttingProxy(to: server.port, cutsResponses: true) { $0 < 3 ? 4_000_000 : nil }
        let client = try Client { $0.retry = .never }
        let download = {
            _ = try await client.download(proxy.url + "files/big.bin", to: directory.path("file"), resuming: true)
        }
        await #expect(throws: ClientError.self) { try await download() }
        let part = try directory.read("file.part")
        #expect(firstDifference(part, old.prefix(part.count)) == nil)
        try await Client(.put, server.url + "/big.bin").send(
            Request(.put, server.url + "/big.bin", content: .bytes(new))
        )
        .requireSuccess()
        await #expect(throws: ClientError.self) { try await download() }
        let newPart = try directory.read("file.part")
        #expect(firstDifference(newPart, new.prefix(newPart.count)) == nil)
        try await download()
        #expect(try Array(directory.read("file")) == new)
        #expect(try directory.contents() == ["file"])
    }

    @Test("nginx", .enabled("needs nginx") { Daemon.find("nginx") != nil }) func nginx() async throws {
        let port = try LoopbackPort.free()
        let nginx = try await Daemon.nginx(
            port: port, "server { listen 127.0.0.1:\(port); location / { root DIRECTORY/www; } }")
        try FileManager.default.createDirectory(
            atPath: nginx.directory.path("www"), withIntermediateDirectories: false)
        let content = SeededGenerator.manyBytes(Self.size, case: 86)
        try nginx.directory.write(content, to: "www/big.bin")
        try await expectContinued(port: port, path: "big.bin", content, case: 87)
    }

    @Test("Go's file server, which has dates only", .enabled("needs Go") { Subprocess.find("go") != nil })
    func go() async throws {
        let files = try TemporaryDirectory()
        let content = SeededGenerator.manyBytes(Self.size, case: 88)
        try files.write(content, to: "big.bin")
        // Otherwise the date is no strong validator.
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: files.path("big.bin"))
        let source = """
            package main

            import (
                "fmt"
                "net"
                "net/http"
                "os"
            )

            func main() {
                listener, _ := net.Listen("tcp", "127.0.0.1:0")
                fmt.Println(listener.Addr().(*net.TCPAddr).Port)
                http.Serve(listener, http.FileServer(http.Dir(os.Args[1])))
            }
            """
        let program = try TemporaryDirectory()
        try program.write(source.utf8, to: "main.go")
        let build = try await Subprocess.run(
            "go", ["build", "-o", program.path("server"), program.path("main.go")],
            environment: ["GO111MODULE": "off", "GOCACHE": program.path("cache")], deadline: .seconds(240))
        try #require(build.status == 0, "\(build.errorOutput)")
        let process = try Subprocess(program.path("server"), [files.path], deadline: .seconds(120))
        defer { process.terminate() }
        let port = try #require(Int(try await process.firstLine()))
        try await expectContinued(port: port, path: "big.bin", content, case: 89)
    }
}
