import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

@Suite("Proxies", .timeLimit(.minutes(4)))
struct ProxyTests {
    private static let secret = "s3cret-Word"

    /// The error of a request by that proxy; checks that it shows no password.
    private func failure(
        _ url: String, by proxy: Client.Proxy, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ClientError {
        let configuration = try await Client.Configuration.trusting { $0.proxy = proxy }
        let error = await #expect(throws: ClientError.self, sourceLocation: sourceLocation) {
            _ = try await Client(.post, url, configuration: configuration).send(.field("a", "b"))
        }
        let text = "\(try #require(error)) \(configuration) \(String(reflecting: configuration))"
        #expect(!text.contains(Self.secret), "\(text)", sourceLocation: sourceLocation)
        return try #require(error)
    }

    @Test("HTTP proxies work in the clear and by CONNECT, with and without a password") func http() async throws {
        try Peers.require("tinyproxy")
        let clear = try await GoServer()
        let tls = try await GoServer(certificate: "server")
        for (text, user) in [("", ""), ("BasicAuth user \(Self.secret)", "user:\(Self.secret)@")] {
            let proxy = try await Daemon.tinyproxy(text)
            for server in [clear, tls] {
                let configuration = try await Client.Configuration.trusting {
                    $0.proxy = .url("http://\(user)127.0.0.1:\(proxy.port)")
                }
                let sample = try await Sample(mebibytes: 4)
                let client = try Client(.post, server.url, configuration: configuration)
                let response = try await client.send(.file(sample.path))
                #expect(response.status == 201)
                #expect(try await response.answer().parts.map(\.sha256) == [sample.sha256])
                #expect(response.metrics.remotePort == proxy.port)
                #expect(response.metrics.usedProxy == true)
                try await client.sendUnclosed(.file(sample.path))
                try await client.sendUnclosed(.file(sample.path))
                let both = try await client.close()
                #expect(try await both.answer().parts.map(\.sha256) == [sample.sha256, sample.sha256])
                // tinyproxy closes after each answer; its tunnel stays open.
                #expect(both.metrics.connectionsOpened == (server === tls ? 0 : 1))
            }
        }
    }

    @Test("HTTPS proxies work; a wrong password is refused") func https() async throws {
        let proxy = try await GoServer(certificate: "server", ["-proxy", Self.secret, "-http1"])
        let server = try await GoServer(certificate: "server")
        let configuration = try await Client.Configuration.trusting {
            $0.proxy = .url("https://user:\(Self.secret)@127.0.0.1:\(proxy.port)")
        }
        try await exchange(server.url, configuration)
        // The certificate of a proxy is verified, unless that is turned off.
        let untrusted = try await GoServer(certificate: "elsewhere", ["-proxy", Self.secret, "-http1"])
        let url = "https://user:\(Self.secret)@127.0.0.1:\(untrusted.port)"
        #expect(try await failure(server.url, by: .url(url)).code == .tls)
        var unverified = Client.Configuration()
        unverified.proxy = .url(url)
        unverified.tls.verifiesCertificates = false
        try await exchange(server.url, unverified)
        let error = try await failure(server.url, by: .url("https://user:\(Self.secret)x@127.0.0.1:\(proxy.port)"))
        #expect(error.code == .connectionFailed)
        #expect(error.message == "the proxy refused to connect, status 407")
    }

    @Test("SOCKS 5 proxies work, with names resolved on either side, with and without a password")
    func socks() async throws {
        try Peers.require("microsocks")
        // Either side may resolve "localhost" to ::1.
        let server = try await GoServer(certificate: "server", ["-listen", ":0"])
        let url = "https://localhost:\(server.port)/"
        for user in [nil, "user"] {
            let proxy = try await Daemon.microsocks(user: user, password: Self.secret)
            let credentials = user.map { "\($0):\(Self.secret)@" } ?? ""
            for scheme in ["socks5", "socks5h"] {
                let configuration = try await Client.Configuration.trusting {
                    $0.proxy = .url("\(scheme)://\(credentials)127.0.0.1:\(proxy.port)")
                }
                try await exchange(url, configuration)
            }
        }
        let proxy = try await Daemon.microsocks(user: "user", password: Self.secret)
        let error = try await failure(url, by: .url("socks5h://user:\(Self.secret)x@127.0.0.1:\(proxy.port)"))
        #expect(error.code == .connectionFailed, "\(error)")
    }

    @Test("a proxy that refuses, does not listen or is no proxy is an error that says so")
    func refusals() async throws {
        try Peers.require("tinyproxy")
        let clear = try await GoServer()
        let tls = try await GoServer(certificate: "server")
        let proxy = try await Daemon.tinyproxy("BasicAuth user \(Self.secret)\nConnectPort 563")
        let credentials = "user:\(Self.secret)@"
        // A port that the proxy does not tunnel to, then no password.
        let forbidden = try await failure(tls.url, by: .url("http://\(credentials)127.0.0.1:\(proxy.port)"))
        #expect(forbidden.code == .connectionFailed)
        #expect(forbidden.message == "the proxy refused to connect, status 403")
        let unknown = try await failure(tls.url, by: .url("http://127.0.0.1:\(proxy.port)"))
        #expect(unknown.code == .connectionFailed)
        #expect([401, 407].contains { unknown.message == "the proxy refused to connect, status \($0)" }, "\(unknown)")
        // Without a tunnel, the proxy's answer is the response.
        let answer = try await Client(.post, clear.url, { $0.proxy = .url("http://127.0.0.1:\(proxy.port)") }).send(
            .field("a", "b"))
        #expect([401, 407].contains(answer.status))

        let closed = LoopbackPort.refusing
        for scheme in ["http", "socks5h"] {
            let error = try await failure(tls.url, by: .url("\(scheme)://\(credentials)127.0.0.1:\(closed)"))
            #expect(error.code == .connectionFailed, "\(error)")
        }
        let nowhere = try await failure(tls.url, by: .url("http://\(credentials)no-such-host.invalid:1"))
        #expect(nowhere.code == .hostNotFound, "\(nowhere)")
        let junk = try FaultServer { connection in
            _ = try connection.receiveSome()
            try connection.send("no proxy\r\n\r\n")
        }
        let confused = try await failure(tls.url, by: .url("http://\(credentials)127.0.0.1:\(junk.port)"))
        #expect(
            [.invalidResponse, .connectionFailed, .connectionLost, .transport].contains(confused.code), "\(confused)")
    }

    @Test("hosts can be excepted from the proxy, and no proxy at all can be set") func exceptions() async throws {
        let server = try await GoServer()
        let closed = LoopbackPort.refusing
        for proxy: Client.Proxy in [
            .url("http://127.0.0.1:\(closed)", noProxy: ["example.com", "127.0.0.0/8"]),
            .url("http://127.0.0.1:\(closed)", noProxy: ["*"]), .none,
        ] {
            let response = try await Client(.post, server.url, { $0.proxy = proxy }).send(.field("a", "b"))
            #expect(response.status == 201)
            #expect(response.metrics.remotePort == server.port)
        }
    }

    @Test("an invalid proxy URL is refused at once; the error hides its password") func validation() throws {
        for url in [
            "", "127.0.0.1:3128", "ftp://user:\(Self.secret)@host", "http://user:\(Self.secret)@", "http://a b",
        ] {
            let error = refusal { $0.proxy = .url(url) }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.description.contains(Self.secret) == false)
        }
        #expect(refusal { $0.proxy = .url("http://proxy:1", noProxy: ["a,b"]) } != nil)
    }

    /// The environment belongs to the process, so the example runs as another one.
    @Test("http_proxy, https_proxy, all_proxy and no_proxy are used, HTTP_PROXY is not")
    func environment() async throws {
        try Peers.require("tinyproxy")
        let server = try await GoServer()
        let proxy = try await Daemon.tinyproxy("BasicAuth user \(Self.secret)")
        let sample = try await Sample(mebibytes: 1)
        let closed = LoopbackPort.refusing
        let with = "http://user:\(Self.secret)@127.0.0.1:\(proxy.port)"
        let wrong = "http://user:\(Self.secret)@127.0.0.1:\(closed)"
        func run(_ environment: [String: String], succeeds: Bool, sourceLocation: SourceLocation = #_sourceLocation)
            async throws
        {
            // Variables of the machine must not count.
            var all = ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
                .reduce(into: [:]) { $0[$1] = "" }
            all.merge(environment) { $1 }
            all["UPLOAD_HOST"] = server.url
            let result = try await Subprocess.run(
                Subprocess.product("example"), ["-filepath", sample.path], environment: all)
            #expect((result.status == 0) == succeeds, "\(result.errorOutput)", sourceLocation: sourceLocation)
            #expect(!result.errorOutput.contains(Self.secret), sourceLocation: sourceLocation)
            #expect(!result.output.contains(Self.secret), sourceLocation: sourceLocation)
        }
        func connections() throws -> Int {
            String(decoding: try proxy.directory.read("log"), as: UTF8.self).components(separatedBy: "Request (file")
                .count - 1
        }
        try await run(["http_proxy": with], succeeds: true)
        #expect(try connections() == 1)
        try await run(["all_proxy": with], succeeds: true)
        #expect(try connections() == 2)
        try await run(["http_proxy": wrong], succeeds: false)
        try await run(["http_proxy": wrong, "no_proxy": "localhost,127.0.0.1"], succeeds: true)
        try await run(["HTTP_PROXY": wrong, "https_proxy": wrong], succeeds: true)
        #expect(try connections() == 2)
    }
}
