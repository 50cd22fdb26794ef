import Foundation
import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Connections, cookies, expectations and metrics", .timeLimit(.minutes(3)))
struct TransportConnectionTests {
    @Test("connects over IPv6") func ipv6() async throws {
        let server: GoServer
        do {
            server = try await GoServer(["-listen", "[::1]:0"])
        } catch is Subprocess.Failure {
            try Peers.skip("there is no IPv6")
        }
        try await exchange(server.url, Client.Configuration())
        let response = try await Client(.post, server.url).send(.field("a", "b"))
        #expect(response.metrics.remoteAddress == "::1")
    }

    @Test("cookies are off by default; otherwise they last as long as the client and follow their rules")
    func cookies() async throws {
        let server = try await GoServer()
        let without = try Client(.post, server.url + "cookie")
        for _ in 0..<2 {
            let response = try await without.send(.field("a", "b"))
            #expect(response.headerFields["set-cookie"]?.contains("s3same") == true)
            #expect(try await response.answer().header["Cookie"] == nil)
        }
        for _ in 0..<2 {
            let client = try Client(.post, server.url + "cookie") { $0.cookies = .inMemory }
            #expect(try await client.send(.field("a", "b")).answer().header["Cookie"] == nil)
            for isUnclosed in [false, true] {
                let response = try await client.send(.field("a", "b"), isUnclosed: isUnclosed)
                #expect(try await response.answer().header["Cookie"] == ["session=s3same"])
            }
        }
    }

    @Test("Expect is sent always, never, or with a limit on waiting for the 100") func expectations() async throws {
        let seen = Shared<[String?]>([])
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                seen.update { $0.append(head["expect"]) }
                try connection.respond(201, "\(try connection.readBody(of: head).count)")
            }
        }
        var configuration = Client.Configuration()
        configuration.expectTimeout = .milliseconds(50)
        for expect in [Client.Expectation.automatic, .always, .never] {
            configuration.expect = expect
            for size in [10, 2 << 20] {
                let client = try Client(.post, server.url, configuration: configuration)
                #expect(try await client.send(.filler(size)).status == 201)
            }
        }
        #expect(seen.value == [nil, "100-continue", "100-continue", "100-continue", nil, nil])
        // Far longer than the test may take: the body is sent only after that time.
        configuration.expect = .always
        configuration.expectTimeout = .seconds(100_000)
        let refusing = try FaultServer { connection in
            _ = try connection.readHead()
            guard !connection.isReadable(within: 300) else { return }
            try connection.respond(403, "no")
        }
        let response = try await Client(.post, refusing.url, configuration: configuration).send(.field("a", "b"))
        #expect(response.status == 403)
        #expect(response.bytesSent == 0)
        // A request without a body has no Expect.
        #expect(try await Client(.get, server.url, configuration: configuration).send().status == 201)
        #expect(seen.value.last == .some(nil))
    }

    @Test("empty values, bytes beyond ASCII and surrounding spaces are sent correctly")
    func headerFields() async throws {
        let server = try await GoServer()
        var configuration = Client.Configuration()
        configuration.headerFields = ["X-Empty": "", "X-Text": "gr\u{FC}n", "X-Space": "  a b\t", "X-Semicolon": ";"]
        let response = try await Client(.post, server.url, configuration: configuration).send(.field("a", "b"))
        let header = try await response.answer().header
        #expect(header["X-Empty"] == [""])
        #expect(header["X-Text"] == ["gr\u{FC}n"])
        #expect(header["X-Space"] == ["a b"])
        #expect(header["X-Semicolon"] == [";"])
        configuration.headerFields = ["X-Blank": " "]
        let blank = try await Client(.post, server.url, configuration: configuration).send(.field("a", "b")).answer()
        #expect(blank.header["X-Blank"] == [""])
    }

    @Test("metrics cover first, later and TLS requests, and are complete after the content")
    func metrics() async throws {
        let server = try await GoServer(certificate: "server", ["-http1"])
        let configuration = try await Client.Configuration.trusting()
        let client = try Client(.get, server.url + "content?size=1000000", configuration: configuration)
        let before = ContinuousClock.now
        for round in 0..<2 {
            let response = try await client.send()
            #expect(response.metrics.total == nil)
            _ = try await response.bytes()
            let metrics = response.metrics
            let total = try #require(metrics.total)
            #expect(metrics.connectionsOpened == (round == 0 ? 1 : 0))
            #expect((metrics.tls > .zero) == (round == 0))
            #expect(metrics.firstByte > .zero && metrics.firstByte <= total)
            #expect(total <= .now - before)
            #expect(metrics.nameLookup + metrics.connect + metrics.tls <= total)
            #expect(metrics.bodyBytesReceived == 1_000_000 && metrics.bodyBytesSent == 0)
            #expect(metrics.headerBytesReceived > 50 && metrics.headerBytesSent > 50)
            #expect(metrics.httpVersion == "1.1")
            #expect(metrics.remoteAddress == "127.0.0.1" && metrics.remotePort == server.port)
            #expect(metrics.usedProxy != true)
        }
        let upload = try await Client(.post, server.url, configuration: configuration).send(.field("a", "b"))
        _ = try await upload.text()
        #expect(upload.metrics.bodyBytesSent == upload.bytesSent && upload.bytesSent > 0)
        #expect(upload.metrics.total != nil)
    }

    /// A server that redirects /elsewhere to that URL and /here within itself, with 307.
    private func redirecting(to elsewhere: String, heads: Shared<[RequestHead]>) throws -> FaultServer {
        try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                heads.update { $0.append(head) }
                switch head.line.split(separator: " ").dropFirst().first {
                case "/elsewhere": try connection.respond(307, fields: "Location: \(elsewhere)\r\n")
                case "/here": try connection.respond(307, fields: "Location: /there\r\n")
                default: try connection.respond(201, "there")
                }
            }
        }
    }

    @Test("cookies and credentials follow a redirect within the server only") func redirects() async throws {
        let certificates = try await Certificates.shared
        let other = try await GoServer()
        let heads = Shared<[RequestHead]>([])
        // With a user and a password in the Location.
        let target = other.url.replacingOccurrences(of: "//", with: "//evil:word@")
        let server = try redirecting(to: target, heads: heads)
        for (authentication, expected) in [
            (Client.Authentication.bearer("secret"), "Bearer secret"),
            (.basic(user: "user", password: "secret"), "Basic dXNlcjpzZWNyZXQ="),
        ] {
            let configuration = try await Client.Configuration.trusting {
                $0.headerFields = ["X-Api-Key": "secret", "Cookie": "secret", "Accept-Encoding": "identity"]
                $0.authentication = authentication
                $0.tls.clientCertificate = .init(
                    certificateFile: certificates.certificate("client"), keyFile: certificates.key("client"))
            }
            heads.set([])
            let here = try await Client(.post, server.url + "here", configuration: configuration).send(.field("a", "b"))
            #expect(here.status == 201)
            #expect(heads.value.map { $0["authorization"] } == [expected, expected])
            #expect(heads.value.map { $0["x-api-key"] } == ["secret", "secret"])
            let away = try await Client(.post, server.url + "elsewhere", configuration: configuration)
                .send(.field("a", "b"))
            #expect(away.status == 201)
            let answer = try await away.answer()
            #expect(answer.parts.count == 1)
            #expect(answer.header["Authorization"] == nil && answer.header["X-Api-Key"] == nil)
            #expect(answer.header["Cookie"] == nil && answer.header["Accept-Encoding"] == ["gzip, deflate"])
        }
    }

    @Test("a client certificate is not shown to a redirect's target") func redirectWithCertificate() async throws {
        let certificates = try await Certificates.shared
        let asking = try await GoServer(certificate: "server", ["-clientca", certificates.authority])
        let server = try redirecting(to: asking.url, heads: Shared([]))
        let configuration = try await Client.Configuration.trusting {
            $0.tls.clientCertificate = .init(
                certificateFile: certificates.certificate("client"), keyFile: certificates.key("client"))
        }
        let error = await #expect(throws: ClientError.self) {
            _ = try await Client(.post, server.url + "elsewhere", configuration: configuration).send(.field("a", "b"))
        }
        #expect([.tls, .connectionLost].contains(error?.code), "\(String(describing: error))")
        let direct = try await Client(.post, asking.url, configuration: configuration).send(.field("a", "b"))
        #expect(try await direct.answer().client == "client")
    }
}
