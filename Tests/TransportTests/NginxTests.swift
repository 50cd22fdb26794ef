import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

@Suite("nginx", .timeLimit(.minutes(4)))
struct NginxTests {
    private enum Transport: CaseIterable {
        case http, https, http2
    }

    /// Starts nginx, which streams bodies on to a Go server.
    private func start(
        _ transport: Transport, _ locations: String = ""
    ) async throws -> (url: String, configuration: Client.Configuration) {
        try Peers.require("nginx", "openssl")
        let behind = try await GoServer()
        let certificates = try await Certificates.shared
        let port = try LoopbackPort.free()
        let listen =
            switch transport {
            case .http: ""
            case .https: "ssl"
            case .http2: "ssl http2"
            }
        let nginx = try await Daemon.nginx(
            port: port,
            """
            server {
                listen 127.0.0.1:\(port) \(listen);
                \(transport == .http ? "" : """
                    ssl_certificate \(certificates.certificate("server"));
                    ssl_certificate_key \(certificates.key("server"));
                    """)
                client_max_body_size 0;
                proxy_request_buffering off;
                proxy_http_version 1.1;
                location / { proxy_pass \(behind.url); }
                location /limited { client_max_body_size 1m; proxy_request_buffering on; proxy_pass \(behind.url); }
                location /closing { lingering_close off; return 503 "closing"; }
                location /limited-closing { lingering_close off; client_max_body_size 1m; proxy_request_buffering on; proxy_pass \(behind.url); }
                \(locations)
            }
            """)
        let configuration = try await Client.Configuration.trusting {
            $0.httpVersion = transport == .http2 ? .http2 : .http1
        }
        running.update { $0 += [nginx, behind] }
        return ("\(transport == .http ? "http" : "https")://127.0.0.1:\(port)/", configuration)
    }

    /// Keeps servers alive until the test ends.
    private let running = Shared<[any Sendable]>([])

    private var transports: [Transport] {
        MultiHandle.sendsHTTP2 ? Transport.allCases : [.http, .https]
    }

    @Test("uploads through nginx arrive whole") func uploads() async throws {
        for transport in transports {
            let (url, configuration) = try await start(transport)
            try await exchange(url, configuration, isDirect: false)
        }
    }

    @Test("413 by client_max_body_size: before a body with a length, within an open request")
    func tooLarge() async throws {
        for transport in transports {
            let (url, configuration) = try await start(transport)
            for expect in [Client.Expectation.automatic, .never] {
                var configuration = configuration
                configuration.expect = expect
                for _ in 0..<5 {
                    let client = try Client(.post, url + "limited", configuration: configuration)
                    var response = try await client.send(.filler(8 << 20))
                    #expect(response.status == 413)
                    #expect(try await response.text().contains("413"))
                    while try await client.sendUnclosed(.filler(1 << 20)) {}
                    response = try await client.close()
                    #expect(response.status == 413)
                    #expect(try await response.text().contains("413"))
                }
            }
        }
    }

    /// nginx closes at once, and unread bytes of the body cause a reset. Without TLS no answer
    /// is lost by that; see ``UnreadResponse``.
    @Test("an answer is read although the server closes at once without lingering") func closing() async throws {
        for transport in transports {
            let (url, configuration) = try await start(transport)
            for path in ["closing", "limited-closing"] {
                for expect in [Client.Expectation.automatic, .never] {
                    var configuration = configuration
                    configuration.expect = expect
                    var lost = 0
                    let rounds = 20
                    for _ in 0..<rounds {
                        let client = try Client(.post, url + path, configuration: configuration)
                        do {
                            let response = try await client.send(.filler(8 << 20))
                            #expect(response.status == (path == "closing" ? 503 : 413))
                        } catch let error as ClientError {
                            #expect(error.code == .connectionLost, "\(error)")
                            lost += 1
                        }
                    }
                    print("\(transport) \(path) \(expect.kind): \(lost) of \(rounds) answers lost")
                    if transport == .http { #expect(lost == 0) }
                }
            }
        }
    }

    @Test("without the client certificate nginx answers 400; with it, it sees the name")
    func clientCertificate() async throws {
        let certificates = try await Certificates.shared
        for transport in transports where transport != .http {
            // The header field says which certificate nginx has seen.
            let (url, configuration) = try await start(
                transport,
                """
                ssl_client_certificate \(certificates.authority);
                ssl_verify_client on;
                proxy_set_header X-Client $ssl_client_s_dn;
                """)
            #expect(try await Client(.post, url, configuration: configuration).send(.field("a", "b")).status == 400)
            var configured = configuration
            configured.tls.clientCertificate = .init(
                certificateFile: certificates.certificate("client"), keyFile: certificates.key("client"))
            let response = try await Client(.post, url, configuration: configured).send(.field("a", "b"))
            #expect(response.status == 201)
            #expect(try await response.answer().header["X-Client"] == ["CN=client"])
        }
    }

    @Test("over a Unix socket uploads and refusals work, and metrics have no address") func unixSocket() async throws {
        try Peers.require("nginx")
        let behind = try await GoServer()
        let nginx = try await Daemon.nginx(
            port: 0,
            """
            server {
                listen unix:DIRECTORY/socket;
                client_max_body_size 0;
                proxy_request_buffering off;
                proxy_http_version 1.1;
                location / { proxy_pass \(behind.url); proxy_set_header Host $http_host; }
                location /limited { client_max_body_size 1m; proxy_request_buffering on; proxy_pass \(behind.url); }
            }
            """)
        running.update { $0 += [nginx, behind] }
        var configuration = Client.Configuration()
        configuration.unixSocket = nginx.directory.path("socket")
        try await exchange("http://upload.example/", configuration, isDirect: false)
        let client = try Client(.post, "http://upload.example/", configuration: configuration)
        let response = try await client.send(.field("a", "b"))
        #expect(try await response.answer().host == "upload.example")
        #expect(response.metrics.remoteAddress == nil && response.metrics.remotePort == nil)
        #expect(response.metrics.usedProxy == false)
        let limited = try Client(.post, "http://upload.example/limited", configuration: configuration)
        #expect(try await limited.send(.filler(8 << 20)).status == 413)
        configuration.unixSocket = nginx.directory.path("none")
        let error = await #expect(throws: ClientError.self) {
            _ = try await Client(.post, "http://upload.example/", configuration: configuration).send(.field("a", "b"))
        }
        #expect(error?.code == .connectionFailed, "\(String(describing: error))")
    }
}
