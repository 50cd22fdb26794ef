import CCurl
import TestSupport
import Testing

@testable import HTTPStreaming

/// URLs with characters that are not ASCII. The tests' process has the locale "C", as every program that does not call
/// setlocale(3).
@Suite("URLs", .timeLimit(.minutes(3)))
struct CurlURLTests {
    /// Whether libcurl was built with libidn2.
    private static let convertsNames =
        curl_version_info(CURLVERSION_FIRST).pointee.features & CURL_VERSION_IDN != 0

    private static func requireNames() throws {
        guard !convertsNames else { return }
        print("CurlURLTests: SKIPPED: libcurl was built without internationalized names")
        try Test.cancel("skipped: libcurl was built without internationalized names")
    }

    @Test(
        "a URL is sent in ASCII, with everything else percent-encoded",
        arguments: [
            ("http://h/~a?b=%20#c", "http://h/~a?b=%20#c"), ("http://%6c/", "http://%6c/"),
            ("http://h/ä?ö=%ff&日", "http://h/%C3%A4?%C3%B6=%ff&%E6%97%A5"),
            ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
            ("http://[::1]/ü", "http://[::1]/%C3%BC"),
        ])
    func ascii(url: String, expected: String) throws {
        #expect(CurlURL.ascii(url) == expected)
        #expect(try CurlURL.check(url).url == expected)
    }

    @Test(
        "the name of a host is sent as in DNS",
        arguments: [
            ("http://bücher.example/", "http://xn--bcher-kva.example/"),
            ("https://BÜCHER.example:81/ü", "https://xn--bcher-kva.example:81/%C3%BC"),
            ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/"),
            ("http://b%c3%bccher.example:81/", "http://xn--bcher-kva.example:81/"),
            ("http://bücher.example/é", "http://xn--bcher-kva.example/%C3%A9"),
            ("http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ])
    func names(url: String, expected: String) throws {
        try Self.requireNames()
        try ascii(url: url, expected: expected)
        #expect(CurlURL.resolve(url, against: "http://example.com/a/b") == expected)
    }

    @Test(
        "a URL without a scheme is an error that says what to write, without what may be secret",
        arguments: [
            ("localhost:3000", "http://localhost:3000"), ("example.org/x", "http://example.org"),
            ("user:secret@h:81/?a=secret", "http://h:81"), ("[::1]:3000", "http://[::1]:3000"),
            ("h/?next=https://secret/", "http://h"), ("/path", "http://host"), ("", "http://host"),
            (":80", "http://host"),
        ])
    func noScheme(url: String, proposal: String) {
        let error = refusal(url)
        #expect(error?.code == .invalidURL)
        #expect(error?.message == "malformed URL: it does not begin with a scheme; write \(proposal)")
        let proxy = refusal { $0.proxy = .url(url) }
        #expect(proxy?.message == "malformed proxy URL: it does not begin with a scheme; write \(proposal)")
    }

    @Test("a host that has no name in ASCII is an error of the client or request that has it")
    func noName() async throws {
        let others = Self.convertsNames ? [] : ["bücher.example"]
        for host in ["b%FFcher.example", String(repeating: "ü", count: 70)] + others {
            let error = refusal("http://\(host)/")
            #expect(error?.code == .invalidURL, "\(host)")
            let complaint = "the name of its host is not ASCII, and libcurl cannot convert it (xn--...)"
            #expect(error?.message == "malformed URL: \(complaint)", "\(host)")
            await expectError(.invalidURL) { try await Client().send(Request(.get, "http://\(host)/")) }
        }
    }

    @Test("internationalized names of servers, redirects and proxies are used in every locale")
    func internationalized() async throws {
        try Self.requireNames()
        let recorder = Recorder()
        let server = try FaultServer { connection in
            while let (head, body) = try connection.readRequest() {
                guard head.line.contains("/here") else {
                    try recorder.take(head, body, connection)
                    continue
                }
                let port = head["host"]?.split(separator: ":").last ?? ""
                try connection.respond(307, fields: "Location: http://gr\u{FC}n.localhost:\(port)/é\r\n")
            }
        }
        let client = try Client(.post, "http://user:é@bücher.localhost:\(server.port)/ü")
        #expect(try await client.send(.field("a", "b")).status == 201)
        #expect(recorder.last?.head.line == "POST /%C3%BC HTTP/1.1")
        #expect(recorder.last?.head["host"] == "xn--bcher-kva.localhost:\(server.port)")
        #expect(recorder.last?.head["authorization"] == "Basic dXNlcjrDqQ==")
        let request = Request(.put, "http://bücher.localhost:\(server.port)/here", content: .text("x"))
        #expect(try await client.send(request).status == 201)
        #expect(recorder.last?.head.line == "PUT /%C3%A9 HTTP/1.1")
        #expect(recorder.last?.head["host"] == "xn--grn-ioa.localhost:\(server.port)")
        let behind = try Client(.post, "http://example.invalid/") {
            $0.proxy = .url("http://bücher.localhost:\(server.port)")
        }
        #expect(try await behind.send(.field("a", "b")).status == 201)
        #expect(recorder.last?.head.line == "POST http://example.invalid/ HTTP/1.1")
    }

    @Test("a Location with any bytes is followed, byte for byte; other fields are read as ISO 8859-1")
    func anyBytes() async throws {
        let recorder = Recorder()
        let server = try FaultServer { connection in
            guard try connection.readRequest() != nil else { return }
            let location: [UInt8] = [0x2F, 0xFC, 0x2F, 0xC3, 0xBC, 0x20, 0x80]
            try connection.send(
                Array("HTTP/1.1 307 Elsewhere\r\nContent-Length: 0\r\nLocation: ".utf8) + location
                    + Array("\r\n\r\n".utf8))
            guard let (next, body) = try connection.readRequest() else { return }
            recorder.kept.append((next, body, connection.number))
            try connection.send(
                Array("HTTP/1.1 201 Created\r\nContent-Length: 0\r\nX-Name: ".utf8) + [0x4D, 0xFC]
                    + Array("\r\n\r\n".utf8))
        }
        let response = try await Client(.post, server.url).send(.field("a", "b"))
        #expect(recorder.last?.head.line == "POST /%FC/%C3%BC%20%80 HTTP/1.1")
        #expect(response.status == 201 && response.headerFields["x-name"] == "Mü")
    }
}
