import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

@Suite("Authentication", .timeLimit(.minutes(4)))
struct AuthenticationTests {
    private static let secret = "s3cret-Wörd"

    @Test("basic and bearer credentials are sent with the first request, also from the URL") func basic() async throws {
        let server = try await GoServer()
        let basic = "Basic " + Data("user:\(Self.secret)".utf8).base64EncodedString()
        let inURL = server.url.replacingOccurrences(of: "//", with: "//user:s3cret-W%C3%B6rd@")
        for (url, authentication, expected) in [
            (server.url, Client.Authentication.basic(user: "user", password: Self.secret), basic),
            (inURL, .none, basic), (server.url, .bearer("abc.DEF-1~2+3/4="), "Bearer abc.DEF-1~2+3/4="),
            (server.url, .basic(user: "", password: "x"), "Basic Ong="),
        ] {
            let client = try Client(.post, url) { $0.authentication = authentication }
            for _ in 0..<2 {
                let response = try await client.send(.field("a", "b"))
                #expect(try await response.answer().header["Authorization"] == [expected])
            }
            let unclosed = try await client.send(.field("a", "b"), isUnclosed: true)
            #expect(try await unclosed.answer().header["Authorization"] == [expected])
        }
    }

    @Test("credentials that cannot be sent, or are given twice, are refused at once") func validation() throws {
        for authentication: Client.Authentication in [
            .basic(user: "a:b", password: Self.secret), .basic(user: "a", password: Self.secret + "\r\n"),
            .digest(user: "a\0", password: Self.secret), .bearer(""), .bearer("a b"), .bearer("ä"),
        ] {
            let error = refusal { $0.authentication = authentication }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.description.contains(Self.secret) == false)
        }
        #expect(refusal("http://user@h/") { $0.authentication = .bearer("token") } != nil)
        let twice = refusal {
            $0.authentication = .bearer("token")
            $0.headerFields = ["authorization": "Bearer token"]
        }
        #expect(twice != nil)
        #expect(refusal("http://user:%FF%0A@h/")?.code == .invalidURL)
    }

    @Test("a configuration's descriptions and dumps contain no secret") func secrecy() throws {
        for authentication: Client.Authentication in [
            .basic(user: "u", password: "SECRET"), .digest(user: "u", password: "SECRET"), .bearer("SECRET"),
        ] {
            var configuration = Client.Configuration()
            configuration.authentication = authentication
            configuration.proxy = .url("http://u:SECRET@proxy:1/", noProxy: ["x"])
            configuration.tls.clientCertificate = .init(certificateFile: "/dev/null", keyPassword: "SECRET")
            configuration.headerFields = ["X-Api-Key": "SECRET", "Cookie": "SECRET"]
            var dumped = ""
            dump(configuration, to: &dumped)
            configuration.tls.clientCertificate = nil
            dump(try Client(.post, "http://h/", configuration: configuration), to: &dumped)
            configuration.authentication = .none
            dump(try Client(.post, "http://u:SECRET@h/", configuration: configuration), to: &dumped)
            let all =
                "\(dumped) \(configuration) \(String(reflecting: configuration)) \(authentication)"
                + "\(configuration.tls) \(configuration.proxy) \(configuration.headerFields)"
            #expect(!all.contains("SECRET"), "\(all)")
            #expect(all.contains("http://proxy:1") && all.contains("X-Api-Key"))
        }
    }

    // MARK: Digest

    private func configuration(_ password: String = secret) -> Client.Configuration {
        var configuration = Client.Configuration()
        configuration.authentication = .digest(user: "user", password: password)
        return configuration
    }

    @Test("digest works with Apache for every kind of request, repeatedly") func digest() async throws {
        let apache = try await DigestApache(password: Self.secret)
        let url = apache.url
        try await exchange(url, configuration(), isDirect: false)
        var coded = configuration()
        coded.contentCoding = .gzip()
        let client = try Client(.put, url, configuration: coded)
        let sample = try await Sample(mebibytes: 4)
        for round in 0..<3 {
            let response = try await client.send(.file(sample.path))
            #expect(response.status == 201)
            #expect(try await response.answer().parts.map(\.sha256) == [sample.sha256])
            #expect(response.metrics.connectionsOpened == (round == 0 ? 1 : 0))
        }
        for method in [Client.Method.get, .delete] {
            #expect(try await Client(method, url, configuration: configuration()).send().status == 201)
        }
    }

    @Test("a wrong digest password gives the 401 with its content") func wrongPassword() async throws {
        let apache = try await DigestApache(password: Self.secret)
        for size in [10, 8 << 20] {
            let client = try Client(.post, apache.url, configuration: configuration("wrong"))
            let open = try Client(.post, apache.url, configuration: configuration("wrong"))
            let response = try await client.send(.filler(size))
            while try await open.sendUnclosed(.filler(size)) {}
            for response in [response, try await open.close()] {
                #expect(response.status == 401)
                #expect(try await response.text().contains("401"))
            }
        }
    }

    private static func challenge(_ connection: RawConnection, _ nonce: String, _ more: String = "") throws {
        let challenge = "Digest realm=\"r\", qop=\"auth\", nonce=\"\(nonce)\"\(more)"
        try connection.respond(401, "no", fields: "WWW-Authenticate: \(challenge)\r\n")
    }

    /// A server that uses `answers` in order, then accepts requests; keeps the sizes of bodies.
    private func digestServer(
        _ answers: [@Sendable (RawConnection, RequestHead) throws -> Void], _ bodies: Shared<[Int]>
    ) throws -> FaultServer {
        let next = Shared(0)
        return try FaultServer { connection in
            while let head = try connection.readHead() {
                let index = next.value
                next.set(index + 1)
                if index < answers.count {
                    try answers[index](connection, head)
                } else {
                    bodies.append(try connection.readBody(of: head).count)
                    let isLast = head["authorization"]?.contains("nonce=\"last\"") == true
                    try connection.respond(201, isLast ? "yes" : "no")
                }
            }
        }
    }

    @Test("a nonce that is stale after the body: the request is sent again", arguments: [10, 3 << 20])
    func stale(size: Int) async throws {
        for isOpen in [false, true] {
            let bodies = Shared<[Int]>([])
            let server = try digestServer(
                [
                    { connection, head in
                        bodies.append(-1)
                        bodies.append(try connection.readBody(of: head).count)
                        try Self.challenge(connection, "first")
                    },
                    { connection, head in
                        bodies.append(try connection.readBody(of: head).count)
                        try Self.challenge(connection, "last", ", stale=true")
                    },
                ], bodies)
            let client = try Client(.post, server.url, configuration: configuration())
            // A file, since an open request keeps no more than 1 MiB of memory for sending again.
            let directory = try TemporaryDirectory()
            let part = Part.file(try directory.write([UInt8](repeating: 1, count: size), to: "file"))
            let response = try await client.send(part, isUnclosed: isOpen)
            #expect(try await response.summary() == "201 yes")
            let counts = bodies.value
            #expect(counts.count == 4 && counts[1] == 0 && counts[2] > size && counts[3] == counts[2], "\(counts)")
            #expect(response.bytesSent == Int64(counts[3]))
        }
    }

    @Test("a nonce that is stale at once, between parts or during sending") func staleEarly() async throws {
        for size in [10, 8 << 20] {
            let bodies = Shared<[Int]>([])
            let server = try digestServer(
                [
                    { connection, head in
                        _ = try connection.readBody(of: head)
                        try Self.challenge(connection, "first")
                    },
                    { connection, head in
                        if head["expect"] != nil { try connection.sendInterim(100) }
                        _ = try connection.receiveSome()
                        try Self.challenge(connection, "last", ", stale=true")
                        _ = try? connection.receiveToEnd()
                    },
                ], bodies)
            let client = try Client(.post, server.url, configuration: configuration())
            let directory = try TemporaryDirectory()
            let file = try directory.write([UInt8](repeating: 1, count: size), to: "file")
            try await client.sendUnclosed(.file(file))
            try await Task.sleep(for: .milliseconds(200))
            try await client.sendUnclosed(.field("a", "b"))
            #expect(try await client.close().summary() == "201 yes")
            #expect(bodies.value.count == 1 && bodies.value[0] > size)
        }
    }

    @Test("a server that asks for no digest receives the body; one that asks for another scheme answers 401")
    func unasked() async throws {
        let bodies = Shared<[Int]>([])
        let open = try digestServer(
            [
                { connection, head in
                    _ = try connection.readBody(of: head)
                    try connection.respond(200, "nothing to see")
                }
            ], bodies)
        let response = try await Client(.post, open.url, configuration: configuration()).send(.field("a", "b"))
        #expect(response.status == 201)
        #expect(bodies.value.count == 1 && bodies.value[0] > 0)
        for fields in [
            "WWW-Authenticate: Basic realm=\"r\"\r\n",
            "WWW-Authenticate: Digest realm=\"r\", algorithm=UNKNOWN, nonce=\"x\"\r\n", "",
        ] {
            let server = try FaultServer { connection in
                while try connection.readRequest() != nil { try connection.respond(401, "no", fields: fields) }
            }
            let client = try Client(.post, server.url, configuration: configuration())
            for isUnclosed in [false, true] {
                #expect(try await client.send(.field("a", "b"), isUnclosed: isUnclosed).summary() == "401 no")
            }
        }
    }
}
