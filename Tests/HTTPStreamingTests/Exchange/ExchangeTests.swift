import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// What is sent again, decided without a server.
@Suite("Exchange")
struct ExchangeTests {
    private func exchange(_ url: String = "https://example.com/a/b", isOpenEnded: Bool = false) -> Exchange {
        Exchange(
            id: TransferID(connection: 0, serial: 1), url: url, isOpenEnded: isOpenEnded, progress: ProgressHub(),
            control: UploadControl(maximumRate: nil))
    }

    private func answer(
        _ status: Int, _ fields: HeaderFields = [:], isBodyOfUnknownLength: Bool = false
    ) -> Answer {
        Answer(
            status: status, headerFields: fields, bytesSent: 0, isBodyOfUnknownLength: isBodyOfUnknownLength,
            content: ContentBuffer(), isDecoded: true, metrics: MetricsBox())
    }

    @Test("from https to http is not followed; from http to https is, as another origin")
    func schemes() throws {
        var secure = exchange()
        let configuration = Client.Configuration()
        #expect(try secure.next(after: answer(307, ["Location": "http://example.com/"]), .post, configuration) == nil)
        var plain = exchange("http://example.com/")
        #expect(
            try plain.next(after: answer(307, ["Location": "https://example.com/"]), .post, configuration)
                == .redirected(url: "https://example.com/", isSameOrigin: false))
    }

    @Test(
        "an origin is scheme, host and port, however they are written",
        arguments: [
            ("https://example.com:443/x", true), ("HTTPS://EXAMPLE.com/x", true), ("//example.com/x", true),
            ("/x", true), ("https://example.com:444/x", false), ("https://www.example.com/x", false),
            ("https://example.com.evil.org/x", false), ("https://example.com@evil.org/x", false),
            ("//evil.org/x", false), ("https://example.org/x", false),
        ])
    func origins(location: String, isSame: Bool) throws {
        var exchange = exchange()
        let next = try exchange.next(after: answer(308, ["Location": location]), .put, Client.Configuration())
        guard case .redirected(_, let isSameOrigin) = next else {
            Issue.record("\(location) was not followed")
            return
        }
        #expect(isSameOrigin == isSame)
    }

    @Test("what a Location means")
    func locations() {
        let base = "http://user:pw@example.com/a/b?c"
        for (location, url) in [
            ("x", "http://example.com/a/x"), ("/x", "http://example.com/x"),
            ("?x", "http://example.com/a/b?x"), ("//example.org/x", "http://example.org/x"),
            ("http://example.com/x", "http://example.com/x"),
            ("http://other:one@example.com/x", "http://example.com/x"),
            ("http://example.com:81/x", "http://example.com:81/x"),
            ("https://example.com/x", "https://example.com/x"),
            ("../../../x", "http://example.com/x"), ("/a%20b c", "http://example.com/a%20b%20c"),
            ("ftp://example.com/", nil), ("http://", nil),
            ("javascript:alert(1)//", nil),
            ("/\0x", nil),
        ] as [(String, String?)] {
            #expect(CurlURL.resolve(location, against: base) == url, "\(location)")
        }
    }

    @Test("411 and 501 count once, only a finished request that was sent chunked")
    func counted() async throws {
        let configuration = Client.Configuration()
        for status in [411, 501] {
            var exchange = exchange()
            exchange.append([], isLast: true)
            #expect(try exchange.next(after: answer(status), .post, configuration) == nil)
            var chunked = self.exchange()
            chunked.append([], isLast: true)
            #expect(
                try chunked.next(after: answer(status, isBodyOfUnknownLength: true), .post, configuration) == .counted)
            try await chunked.begin(.counted, id: TransferID(connection: 0, serial: 2), coding: .identity)
            #expect(
                try chunked.next(after: answer(status, isBodyOfUnknownLength: true), .post, configuration) == nil)
            var open = self.exchange(isOpenEnded: true)
            open.append([], isLast: false)
            #expect(try open.next(after: answer(status, isBodyOfUnknownLength: true), .post, configuration) == nil)
        }
    }

    @Test("what the caller was told is final")
    func refused() throws {
        var exchange = exchange(isOpenEnded: true)
        exchange.append([], isLast: false)
        #expect(try exchange.next(after: answer(404), .put, Client.Configuration()) == nil)
        exchange.append([], isLast: true)
        #expect(try exchange.next(after: answer(307, ["Location": "/x"]), .put, Client.Configuration()) == nil)
        #expect(try exchange.next(after: answer(503), .put, Client.Configuration()) == nil)
    }
}
