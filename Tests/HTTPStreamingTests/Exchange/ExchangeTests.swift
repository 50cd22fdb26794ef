import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// What is sent again, decided without a server.
@Suite("Exchange")
struct ExchangeTests {
    private func exchange(
        _ url: String = "https://example.com/a/b", _ method: Client.Method = .post, form: MultipartSource? = nil
    ) -> Exchange {
        let form = form ?? MultipartSource()
        return Exchange(
            id: TransferID(connection: 0, serial: 1), PreparedRequest(method: method, url: url, source: form),
            form: form,
            ClientSettings(Client.Configuration(), url: url), ProgressHub(), UploadControl(maximumRate: nil))
    }

    private func answer(
        _ status: Int, _ fields: HeaderFields = [:], isBodyOfUnknownLength: Bool = false
    ) -> TransferResponse {
        TransferResponse(
            status: status, headerFields: fields, encodedLocation: nil, bytesSent: 0,
            isBodyOfUnknownLength: isBodyOfUnknownLength, content: ContentBuffer(), isDecoded: true,
            metrics: MetricsBox(), progressInterval: .zero)
    }

    @Test("a redirect from https to http is not followed; from http to https it is, as another origin")
    func schemes() throws {
        var secure = exchange()
        #expect(try secure.next(after: answer(307, ["Location": "http://example.com/"])) == nil)
        var plain = exchange("http://example.com/")
        #expect(
            try plain.next(after: answer(307, ["Location": "https://example.com/"]))
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
        var exchange = exchange("https://example.com/a/b", .put)
        let next = try exchange.next(after: answer(308, ["Location": location]))
        guard case .redirected(_, let isSameOrigin) = next else {
            Issue.record("\(location) was not followed")
            return
        }
        #expect(isSameOrigin == isSame)
    }

    @Test("a Location is resolved against the request's URL") func locations() {
        let base = "http://user:pw@example.com/a/b?c"
        for (location, url) in [
            ("x", "http://example.com/a/x"), ("/x", "http://example.com/x"),
            ("?x", "http://example.com/a/b?x"), ("//example.org/x", "http://example.org/x"),
            ("http://example.com/x", "http://example.com/x"),
            ("http://other:one@example.com/x", "http://example.com/x"),
            ("http://example.com:81/x", "http://example.com:81/x"),
            ("https://example.com/x", "https://example.com/x"),
            ("../../../x", "http://example.com/x"), ("/a%20b c", "http://example.com/a%20b%20c"),
            ("/é?é", "http://example.com/%C3%A9?%C3%A9"),
            ("http://b%ffcher.example/", nil), ("ftp://example.com/", nil), ("http://", nil),
            ("javascript:alert(1)//", nil),
            ("/\0x", nil),
        ] as [(String, String?)] {
            #expect(CurlURL.resolve(location, against: base) == url, "\(location)")
        }
    }

    @Test("411 and 501 lead to a count once only, and only for a finished chunked request")
    func counted() async throws {
        for status in [411, 501] {
            let finished = try form()
            var exchange = exchange(form: finished)
            #expect(try exchange.next(after: answer(status)) == nil)
            var chunked = self.exchange(form: finished)
            #expect(try chunked.next(after: answer(status, isBodyOfUnknownLength: true)) == .counted)
            try await chunked.begin(.counted, id: TransferID(connection: 0, serial: 2))
            #expect(try chunked.next(after: answer(status, isBodyOfUnknownLength: true)) == nil)
            var open = self.exchange(form: try form(isLast: false))
            #expect(try open.next(after: answer(status, isBodyOfUnknownLength: true)) == nil)
        }
    }

    @Test("after sendUnclosed has returned false the response is final") func refused() throws {
        let form = try form(isLast: false)
        var exchange = exchange("https://example.com/a/b", .put, form: form)
        #expect(try exchange.next(after: answer(404)) == nil)
        try form.add([], isLast: true)
        #expect(try exchange.next(after: answer(307, ["Location": "/x"])) == nil)
        #expect(try exchange.next(after: answer(503)) == nil)
    }
}
