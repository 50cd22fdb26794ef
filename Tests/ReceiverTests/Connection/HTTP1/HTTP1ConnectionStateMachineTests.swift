import NIOHTTP1
import Testing

@testable import Receiver

@Suite struct HTTP1ConnectionStateMachineTests {
    typealias Machine = HTTP1ConnectionHandler.StateMachine

    private func request(
        _ method: HTTPMethod = .GET, _ version: HTTPVersion = .http1_1, _ fields: [(String, String)] = [("Host", "x")]
    ) -> HTTPRequestHead {
        HTTPRequestHead(version: version, method: method, uri: "/", headers: HTTPHeaders(fields))
    }

    private func response(_ code: Int, _ fields: [(String, String)] = [("Content-Length", "0")]) -> HTTPResponseHead {
        HTTPResponseHead(version: .http1_1, status: .init(statusCode: code), headers: HTTPHeaders(fields))
    }

    private func passed(_ action: Machine.HeadAction) -> HTTPRequestHead? {
        if case .pass(let head) = action { head } else { nil }
    }

    private func isLast(_ head: HTTPResponseHead) -> Bool { head.headers["Connection"] == ["close"] }

    @Test func anAnswerToAWholeRequestKeepsTheConnection() {
        for status in [201, 400] {
            var machine = Machine(limit: 10)
            #expect(passed(machine.headArrived(request())) != nil)
            #expect(machine.bodyArrived(count: 100) == .pass)
            #expect(machine.requestEnded() == .pass)
            #expect(!machine.isIdle)
            #expect(machine.responseBegan(response(status)) == response(status))
            #expect(machine.responseEnded() == .pass)
            #expect(!machine.isIdle, "the end may still be waiting for its client")
            #expect(machine.responseWritten() == .none)
            #expect(machine.isIdle)
            #expect(passed(machine.headArrived(request())) != nil)
        }
    }

    @Test func anEarlyErrorEndsTheConnectionWithinBounds() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived(request(.POST))
        #expect(machine.responseBegan(response(100, [])) == response(100, []))
        #expect(isLast(machine.responseBegan(response(415))))
        #expect(machine.bodyArrived(count: 100) == .pass, "the answer has not ended")
        #expect(machine.responseEnded() == .linger)
        #expect(machine.bodyArrived(count: 10) == .discard)
        #expect(machine.requestEnded() == .discard)
        #expect(passed(machine.headArrived(request())) == nil)
        #expect(machine.bodyArrived(count: 1) == .close)
    }

    @Test func anEarlySuccessIsBoundedToo() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived(request(.POST))
        #expect(!isLast(machine.responseBegan(response(200))), "it may go on reading")
        #expect(machine.responseEnded() == .linger)
    }

    @Test func theNextRequestsBodyIsNotOfThisAnswer() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived(request())
        _ = machine.requestEnded()
        // Pipelined, while the first is being answered.
        _ = machine.headArrived(request(.POST))
        #expect(!isLast(machine.responseBegan(response(404))))
        #expect(machine.responseEnded() == .pass)
        #expect(isLast(machine.responseBegan(response(404))))
        #expect(machine.responseEnded() == .linger)
    }

    @Test func aClientThatIsGoneIsNotWaitedFor() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived(request(.POST))
        #expect(machine.inputClosed() == .none, "it may still listen")
        _ = machine.responseBegan(response(400))
        #expect(machine.responseEnded() == .close)
        _ = machine.inputClosed()
        var lingering = Machine(limit: 10)
        _ = lingering.headArrived(request(.POST))
        _ = lingering.responseBegan(response(400))
        _ = lingering.responseEnded()
        #expect(lingering.inputClosed() == .none, "it may still read what is on its way")
        #expect(lingering.responseWritten() == .close)
        #expect(lingering.inputClosed() == .close)
    }

    /// By version, what the client says of the connection, and whether it is kept.
    @Test(
        arguments: [
            (HTTPVersion.http1_1, nil, true), (.http1_1, "close", false), (.http1_1, "Close", false),
            (.http1_1, "foo, CLOSE", false), (.http1_1, "keep-alive", true), (.http1_0, nil, false),
            (.http1_0, "keep-alive", true), (.http1_0, "Keep-Alive, foo", true), (.http1_0, "close", false),
            (.http1_0, "foo", false),
        ] as [(HTTPVersion, String?, Bool)])
    func persistence(version: HTTPVersion, connection: String?, isKept: Bool) throws {
        var machine = Machine(limit: 10)
        let fields = [("Host", "x")] + (connection.map { [("Connection", $0)] } ?? [])
        let seen = try #require(passed(machine.headArrived(request(.GET, version, fields))))
        #expect(seen.headers["Connection"] == (isKept ? [] : ["close"]))
        _ = machine.requestEnded()
        let written = machine.responseBegan(response(200))
        #expect(isLast(written) == !isKept)
        if version == .http1_0, isKept { #expect(written.headers["Connection"] == ["keep-alive"]) }
        #expect(machine.responseEnded() == (isKept ? .pass : .linger))
    }

    @Test func contentIsFramedByWhatTheClientKnows() {
        let unknown = response(200, [])
        for (method, version, status, chunked, last) in [
            (HTTPMethod.GET, HTTPVersion.http1_1, 200, true, false), (.HEAD, .http1_1, 200, false, false),
            (.GET, .http1_1, 204, false, false), (.GET, .http1_1, 304, false, false),
            (.GET, .http1_0, 200, false, true),
            (.HEAD, .http1_0, 200, false, false),
        ] {
            var machine = Machine(limit: 10)
            _ = machine.headArrived(request(method, version, [("Host", "x"), ("Connection", "keep-alive")]))
            _ = machine.requestEnded()
            let head = machine.responseBegan(response(status, []))
            #expect(head.headers.contains(name: "Transfer-Encoding") == chunked)
            #expect(isLast(head) == last)
        }
        #expect(unknown.headers.isEmpty)
    }

    @Test func whatHTTP10CannotCarryIsNotOffered() throws {
        var machine = Machine(limit: 10)
        let fields = [("Accept-Encoding", "gzip"), ("Expect", "100-continue")]
        let seen = try #require(passed(machine.headArrived(request(.POST, .http1_0, fields))))
        #expect(seen.headers.map(\.name) == ["Host", "Connection"], "an empty Host, which is none in 1.0")
        var faulty = Machine(limit: 10)
        let chunked = [("Host", "x"), ("Connection", "keep-alive"), ("Transfer-Encoding", "chunked")]
        let head = try #require(passed(faulty.headArrived(request(.POST, .http1_0, chunked))))
        #expect(head.headers["Connection"] == ["close"])
    }

    @Test func severalHostsAreNone() throws {
        var machine = Machine(limit: 10)
        let seen = try #require(passed(machine.headArrived(request(.GET, .http1_1, [("Host", "x"), ("host", "x")]))))
        #expect(seen.headers["Host"].isEmpty)
    }

    /// SwiftNIO's decoder reads nothing behind it.
    @Test(arguments: [
        (HTTPMethod.CONNECT, []), (.GET, [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c")]),
        (.GET, [("Proxy-Connection", "upgrade"), ("Upgrade", "x")]),
    ])
    func anotherProtocolEndsTheConnection(method: HTTPMethod, fields: [(String, String)]) throws {
        var machine = Machine(limit: 10)
        let seen = try #require(passed(machine.headArrived(request(method, .http1_1, [("Host", "x")] + fields))))
        #expect(seen.headers["Connection"] == ["close"])
        #expect(!machine.isDeaf)
        // An answer that comes before its body's end must not meet a reset.
        var early = machine
        #expect(isLast(early.responseBegan(response(413))))
        #expect(early.responseEnded() == .linger)
        #expect(!early.isDeaf)
        _ = machine.requestEnded()
        #expect(machine.isDeaf)
        #expect(isLast(machine.responseBegan(response(200))))
        #expect(machine.responseEnded() == .close)
    }

    @Test func requestsThatWaitAreBounded() throws {
        var machine = Machine(limit: 10)
        var count = 0
        while count < 2000, passed(machine.headArrived(request())) != nil {
            #expect(machine.requestEnded() == .pass)
            count += 1
        }
        #expect(count == 1000)
        #expect(machine.requestEnded() == .discard)
        #expect(passed(machine.headArrived(request())) == nil)
        for _ in 0..<999 {
            #expect(!isLast(machine.responseBegan(response(200))))
            #expect(machine.responseEnded() == .pass)
        }
        _ = machine.responseBegan(response(200))
        guard case .answer(let refusal) = machine.responseEnded() else {
            Issue.record("the others are not answered")
            return
        }
        #expect(refusal.code == .unavailable)
    }

    @Test func whatIsNoHTTPIsAnsweredInItsTurn() {
        let refusal = Refusal(.malformed, "no")
        var machine = Machine(limit: 10)
        #expect(machine.errorCaught(refusal) == .answer(refusal))
        _ = machine.headArrived(request())
        _ = machine.requestEnded()
        #expect(machine.errorCaught(refusal) == .discard)
        #expect(machine.errorCaught(refusal) == .discard)
        _ = machine.responseBegan(response(200))
        #expect(machine.responseEnded() == .answer(refusal))
        #expect(isLast(machine.responseBegan(response(400))))
        #expect(machine.responseEnded() == .linger)
    }

    @Test func anErrorInMidBodyIsForTheRoute() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived(request(.POST))
        #expect(machine.errorCaught(Refusal(.malformed, "no")) == .pass)
        #expect(machine.errorCaught(nil) == .pass)
    }

    @Test func aServerThatStopsEndsConnectionsAsTheyComeToRest() {
        var idle = Machine(limit: 10)
        #expect(idle.quiescingBegan() == .close)
        var begun = Machine(limit: 10)
        _ = begun.headArrived(request())
        _ = begun.requestEnded()
        #expect(begun.quiescingBegan() == .none)
        #expect(isLast(begun.responseBegan(response(200))))
        #expect(begun.responseEnded() == .linger)
        // Whose head has been written.
        var streaming = Machine(limit: 10)
        _ = streaming.headArrived(request())
        _ = streaming.requestEnded()
        #expect(!isLast(streaming.responseBegan(response(200))))
        #expect(streaming.quiescingBegan() == .none)
        #expect(streaming.responseEnded() == .linger)
        // Whose end is on its way.
        var ended = Machine(limit: 10)
        _ = ended.headArrived(request())
        _ = ended.requestEnded()
        _ = ended.responseBegan(response(200))
        #expect(ended.responseEnded() == .pass)
        #expect(ended.quiescingBegan() == .none)
        #expect(ended.responseWritten() == .close)
    }
}
