import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

@Suite("TLS", .timeLimit(.minutes(3)))
struct TLSTests {
    @Test("uploads over TLS use HTTP/2 if the server offers it and libcurl supports it", arguments: [true, false])
    func uploads(isHTTP1: Bool) async throws {
        let server = try await GoServer(certificate: "server", isHTTP1 ? ["-http1"] : [])
        let configuration = try await Client.Configuration.trusting()
        try await exchange(
            server.url, configuration, proto: isHTTP1 || !MultiHandle.sendsHTTP2 ? "HTTP/1.1" : "HTTP/2.0")
    }

    @Test("a client can ask for HTTP/1.1 although the server offers HTTP/2") func http1() async throws {
        let server = try await GoServer(certificate: "server")
        let configuration = try await Client.Configuration.trusting { $0.httpVersion = .http1 }
        try await exchange(server.url, configuration, proto: "HTTP/1.1")
    }

    @Test("a client certificate works, with a plain and an encrypted key") func clientCertificate() async throws {
        let certificates = try await Certificates.shared
        let server = try await GoServer(certificate: "server", ["-clientca", certificates.authority])
        for (key, password) in [("client", nil), ("client-encrypted", certificates.password)] {
            let configuration = try await Client.Configuration.trusting {
                $0.tls.clientCertificate = .init(
                    certificateFile: certificates.certificate("client"), keyFile: certificates.key(key),
                    keyPassword: password)
            }
            let response = try await Client(.post, server.url, configuration: configuration).send(.field("a", "b"))
            #expect(response.status == 201)
            #expect(try await response.answer().client == "client")
        }
    }

    /// - Returns: the errors of a small request and of one of 8 MiB, which is being sent when the server
    ///   refuses it.
    private func failures(_ url: String, _ configuration: Client.Configuration) async throws -> [ClientError] {
        var errors: [ClientError] = []
        for size in [10, 8 << 20] {
            let client = try Client(.post, url, configuration: configuration)
            let error = await #expect(throws: ClientError.self) {
                _ = try await client.send(.filler(size)).text()
            }
            errors.append(try #require(error))
        }
        return errors
    }

    private func expectTLS(_ errors: [ClientError], _ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        for error in errors {
            #expect(
                error.code == .tls, "\(error.code) \(error.curlCode ?? 0): \(error)", sourceLocation: sourceLocation)
            #expect((text.isEmpty || error.description.contains(text)), "\(error)", sourceLocation: sourceLocation)
            #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
            #expect(!error.description.contains("pass-Phrase"), sourceLocation: sourceLocation)
        }
    }

    @Test("an untrusted authority is refused, with the system's and a given file")
    func unknownAuthority() async throws {
        let server = try await GoServer(certificate: "server")
        // A libcurl built for another system may not find the authorities.
        expectTLS(try await failures(server.url, Client.Configuration()), "")
        let other = try await Certificates.shared.otherAuthority
        let configuration = try await Client.Configuration.trusting { $0.tls.caFile = other }
        expectTLS(try await failures(server.url, configuration), "unable to get local issuer certificate")
    }

    @Test("a self-signed certificate is accepted if it is the CA file") func selfSigned() async throws {
        let server = try await GoServer(certificate: "self-signed")
        expectTLS(try await failures(server.url, Client.Configuration()), "")
        var configuration = Client.Configuration()
        configuration.tls.caFile = try await Certificates.shared.certificate("self-signed")
        try await exchange(server.url, configuration)
    }

    @Test("certificates for other names and expired ones are refused") func wrongCertificate() async throws {
        let configuration = try await Client.Configuration.trusting()
        let elsewhere = try await GoServer(certificate: "elsewhere")
        expectTLS(try await failures(elsewhere.url, configuration), "127.0.0.1")
        let expired = try await GoServer(certificate: "expired")
        expectTLS(try await failures(expired.url, configuration), "certificate has expired")
    }

    @Test("the pinned key is accepted, also as one of several; another one is refused") func pinning() async throws {
        let server = try await GoServer(certificate: "server")
        let pin = try await Certificates.shared.pin
        let wrong = "sha256//" + String(repeating: "A", count: 43) + "="
        for pins in [[pin], [wrong, pin]] {
            let configuration = try await Client.Configuration.trusting { $0.tls.pinnedPublicKeys = pins }
            let response = try await Client(.post, server.url, configuration: configuration).send(.field("a", "b"))
            #expect(response.status == 201)
        }
        let configuration = try await Client.Configuration.trusting { $0.tls.pinnedPublicKeys = [wrong] }
        expectTLS(try await failures(server.url, configuration), "public key does not match")
    }

    @Test(
        "without verification any certificate is accepted, but pinned keys are compared",
        arguments: ["self-signed", "elsewhere", "expired", "server"])
    func unverified(certificate: String) async throws {
        let server = try await GoServer(certificate: certificate)
        var configuration = Client.Configuration()
        configuration.tls.verifiesCertificates = false
        try await exchange(server.url, configuration)
        configuration.tls.pinnedPublicKeys = [try await Certificates.shared.pin]
        if certificate == "server" {
            #expect(
                try await Client(.post, server.url, configuration: configuration).send(.field("a", "b")).status == 201)
        } else {
            expectTLS(try await failures(server.url, configuration), "public key does not match")
        }
        configuration.tls.caFile = try await Certificates.shared.authority
        #expect(refusal(server.url) { $0 = configuration }?.code == .invalidConfiguration)
    }

    @Test("a peer that does not speak TLS is an error that says so, and TLS for http another one") func plainPeer()
        async throws
    {
        let plain = try await GoServer()
        let greeting = try FaultServer { connection in
            try connection.send("SSH-2.0-OpenSSH\r\n")
            _ = try connection.receiveSome()
        }
        for port in [plain.port, Int(greeting.port)] {
            expectTLS(
                try await failures("https://127.0.0.1:\(port)/", .trusting()),
                "the server does not speak TLS on this port")
            let configuration = try await Client.Configuration.trusting { $0.proxy = .url("https://127.0.0.1:\(port)") }
            expectTLS(try await failures("https://localhost/", configuration), "the proxy does not speak TLS")
        }
        // Behind a proxy that does.
        let proxy = try await GoServer(certificate: "server", ["-proxy", "secret", "-http1"])
        let configuration = try await Client.Configuration.trusting {
            $0.proxy = .url("https://user:secret@127.0.0.1:\(proxy.port)")
        }
        expectTLS(
            try await failures("https://127.0.0.1:\(plain.port)/", configuration), "the server does not speak TLS")
        // A server of TLS alone answers anything else with an alert (RFC 8446 §6).
        let secure = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.send([21, 3, 1, 0, 2, 2, 70])
        }
        let error = await #expect(throws: ClientError.self) {
            _ = try await Client(.post, secure.url).send(.field("a", "b"))
        }
        #expect(
            error?.code == .invalidResponse && error?.message.contains("such as TLS") == true,
            "\(String(describing: error))")
    }

    @Test("a missing, undecryptable or invalid client certificate is an error")
    func clientCertificateFailures() async throws {
        let certificates = try await Certificates.shared
        let server = try await GoServer(certificate: "server", ["-clientca", certificates.authority])
        let errors = try await failures(server.url, .trusting())
        expectTLS(Array(errors.prefix(1)), "certificate")
        // With TLS 1.3 the server's alert arrives after the request has begun and is followed by a reset,
        // which may be all that the sender sees.
        #expect([.tls, .connectionLost].contains(errors[1].code))
        for (certificate, key, password) in [
            ("client", "client-encrypted", nil), ("client", "client-encrypted", "wrong-Phrase"),
            ("client", "server", nil),
        ] {
            let configuration = try await Client.Configuration.trusting {
                $0.tls.clientCertificate = .init(
                    certificateFile: certificates.certificate(certificate), keyFile: certificates.key(key),
                    keyPassword: password)
            }
            expectTLS(try await failures(server.url, configuration), "key")
        }
    }

    @Test("a file that is missing, unreadable or without certificates is an error that names it")
    func files() async throws {
        let certificates = try await Certificates.shared
        func expectInvalid(_ name: String, _ change: (inout Client.TLS) -> Void) throws {
            let error = refusal("https://localhost/") { change(&$0.tls) }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.description.contains(name) == true, "\(String(describing: error))")
            #expect(error?.description.contains("pass-Phrase") == false)
        }
        try expectInvalid("/no/such/ca.pem: No such file") { $0.caFile = "/no/such/ca.pem" }
        try expectInvalid("Is a directory") { $0.caFile = "/tmp" }
        try expectInvalid("/no/such/client.pem") {
            $0.clientCertificate = .init(certificateFile: "/no/such/client.pem", keyPassword: "pass-Phrase")
        }
        try expectInvalid("/no/such/key.pem") {
            $0.clientCertificate = .init(
                certificateFile: certificates.certificate("client"), keyFile: "/no/such/key.pem",
                keyPassword: "pass-Phrase"
            )
        }
        for pin in ["", "sha256//", "md5//" + String(repeating: "A", count: 44), "/etc/passwd"] {
            try expectInvalid("pinned public key") { $0.pinnedPublicKeys = [pin] }
        }
        let directory = try TemporaryDirectory()
        let junk = try directory.write("no certificate".utf8, to: "junk.pem")
        let server = try await GoServer(certificate: "server")
        let configuration = try await Client.Configuration.trusting { $0.tls.caFile = junk }
        expectTLS(try await failures(server.url, configuration), "junk.pem")
    }
}
