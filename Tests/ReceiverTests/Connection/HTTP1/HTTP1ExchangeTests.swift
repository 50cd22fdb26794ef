import NIOHTTP1
import Testing

@testable import Receiver

@Suite("HTTP/1 request and response heads") struct HTTP1ExchangeTests {
    private typealias Exchange = HTTP1ConnectionHandler.Exchange

    private func request(_ method: HTTPMethod, _ version: HTTPVersion, _ fields: [(String, String)]) -> HTTPRequestHead
    {
        HTTPRequestHead(version: version, method: method, uri: "/", headers: HTTPHeaders(fields))
    }

    private func simplified(_ head: HTTPRequestHead) -> HTTPHeaders { Exchange(head).simplified(head).headers }

    @Test(
        "Content of unknown length is framed as method, status and version require",
        arguments: [
            (HTTPMethod.GET, HTTPVersion.http1_1, 200, true, false), (.HEAD, .http1_1, 200, false, false),
            (.GET, .http1_1, 204, false, false), (.GET, .http1_1, 304, false, false),
            (.GET, .http1_0, 200, false, true), (.HEAD, .http1_0, 200, false, false),
        ] as [(HTTPMethod, HTTPVersion, Int, Bool, Bool)])
    func framing(method: HTTPMethod, version: HTTPVersion, status: Int, isChunked: Bool, isLast: Bool) {
        let request = request(method, version, [("Host", "x"), ("Connection", "keep-alive")])
        var machine = HTTP1ConnectionHandler.StateMachine(discardLimit: 10)
        _ = machine.headArrived(request)
        _ = machine.requestEnded()
        let head = machine.responseBegan(HTTPResponseHead(version: .http1_1, status: .init(statusCode: status)))
        #expect(head.headers.contains(name: "Transfer-Encoding") == isChunked)
        #expect((head.headers["Connection"] == ["close"]) == isLast)
    }

    @Test("Routes see neither compression nor expectations in HTTP/1.0 requests") func http10() {
        let seen = simplified(request(.POST, .http1_0, [("Accept-Encoding", "gzip"), ("Expect", "100-continue")]))
        #expect(seen.map(\.name) == ["Host", "Connection"], "HTTP/1.0 needs no Host, routes do")
        let isChunked = [("Host", "x"), ("Connection", "keep-alive"), ("Transfer-Encoding", "chunked")]
        #expect(simplified(request(.POST, .http1_0, isChunked))["Connection"] == ["close"])
    }

    @Test("A transfer coding other than chunked ends the connection") func transferCodings() {
        for (coding, persists) in [("chunked", true), ("Chunked", true), ("gzip, chunked", false), ("gzip", false)] {
            let head = request(.POST, .http1_1, [("Host", "x"), ("Transfer-Encoding", coding)])
            #expect(Exchange(head).isPersistent == persists, "\(coding)")
        }
    }

    @Test("Several Host fields are removed") func severalHosts() {
        #expect(simplified(request(.GET, .http1_1, [("Host", "x"), ("host", "x")]))["Host"].isEmpty)
    }
}
