import NIOHTTP1
import Testing

@testable import Receiver

@Suite("HTTP/1 connection state machine") struct HTTP1ConnectionStateMachineTests {
    typealias Machine = HTTP1ConnectionHandler.StateMachine

    private func request(
        _ method: HTTPMethod = .GET, _ version: HTTPVersion = .http1_1, _ fields: [(String, String)] = [("Host", "x")]
    ) -> HTTPRequestHead {
        HTTPRequestHead(version: version, method: method, uri: "/", headers: HTTPHeaders(fields))
    }

    private func response(_ code: Int, _ fields: [(String, String)] = [("Content-Length", "0")]) -> HTTPResponseHead {
        HTTPResponseHead(version: .http1_1, status: .init(statusCode: code), headers: HTTPHeaders(fields))
    }

    /// A machine that has received requests: whole ones, and then the head of `partial`.
    private func received(_ requests: [HTTPRequestHead] = [], partial: HTTPRequestHead? = nil) -> Machine {
        var machine = Machine(discardLimit: 10)
        for request in requests {
            _ = machine.headArrived(request)
            _ = machine.requestEnded()
        }
        if let partial { _ = machine.headArrived(partial) }
        return machine
    }

    private func passed(_ action: Machine.HeadAction) -> HTTPRequestHead? {
        if case .pass(let head) = action { head } else { nil }
    }

    private func isLast(_ head: HTTPResponseHead) -> Bool { head.headers["Connection"] == ["close"] }

    @Test("A response to a whole request keeps the connection") func responseAfterRequest() {
        for status in [201, 400] {
            var machine = Machine(discardLimit: 10)
            #expect(passed(machine.headArrived(request())) != nil)
            #expect(machine.bodyArrived() == .pass)
            #expect(machine.bytesRead(count: 100) == .none)
            #expect(machine.requestEnded() == .pass)
            #expect(machine.isIdle == false)
            #expect(machine.responseBegan(response(status)) == response(status))
            #expect(machine.responseEnded() == .none)
            #expect(machine.isIdle == false, "the end of the response is not written")
            #expect(machine.responseWritten() == .none)
            #expect(machine.isIdle == true)
            #expect(passed(machine.headArrived(request())) != nil)
        }
    }

    @Test("An early error ends the connection after a limited number of discarded bytes") func earlyError() {
        var machine = received(partial: request(.POST))
        #expect(machine.responseBegan(response(100, [])) == response(100, []))
        #expect(isLast(machine.responseBegan(response(415))))
        #expect(machine.bodyArrived() == .pass, "the response has not ended")
        #expect(machine.bytesRead(count: 100) == .none)
        #expect(machine.responseEnded() == .halfClose)
        #expect(machine.bodyArrived() == .discard)
        #expect(machine.bytesRead(count: 10) == .none)
        #expect(machine.requestEnded() == .discard)
        #expect(passed(machine.headArrived(request())) == nil)
        #expect(machine.bytesRead(count: 1) == .close)
    }

    @Test("After an early success the rest of the request is discarded") func earlySuccess() {
        var machine = received(partial: request(.POST))
        #expect(!isLast(machine.responseBegan(response(200))), "the route may go on reading")
        #expect(machine.responseEnded() == .halfClose)
    }

    @Test("The body of a pipelined request does not make an earlier error an early one")
    func errorBeforePipelinedBody() {
        var machine = received([request()], partial: request(.POST))
        #expect(!isLast(machine.responseBegan(response(404))))
        #expect(machine.responseEnded() == .none)
        #expect(isLast(machine.responseBegan(response(404))))
        #expect(machine.responseEnded() == .halfClose)
    }

    @Test("If the client has closed its side, the connection is closed when the response is written")
    func inputClosed() {
        var machine = received(partial: request(.POST))
        #expect(machine.inputClosed() == .none, "the client may still read")
        _ = machine.responseBegan(response(400))
        #expect(machine.responseEnded() == .flush)
        #expect(machine.responseWritten() == .close)
        // The client closes its side after the end of the response, before it is written.
        var unwritten = received(partial: request(.POST))
        _ = unwritten.responseBegan(response(400))
        _ = unwritten.responseEnded()
        #expect(unwritten.inputClosed() == .none, "the client may still read the response")
        #expect(unwritten.responseWritten() == .close)
        #expect(unwritten.inputClosed() == .none, "it is closed already")
        // The client closes its side after the response is written.
        var written = received(partial: request(.POST))
        _ = written.responseBegan(response(400))
        _ = written.responseEnded()
        #expect(written.responseWritten() == .startTimer)
        #expect(written.inputClosed() == .close)
    }

    /// By version, the value of `Connection`, and whether the connection persists.
    @Test(
        "HTTP/1.1 connections persist by default, HTTP/1.0 connections with keep-alive",
        arguments: [
            (HTTPVersion.http1_1, nil, true), (.http1_1, "close", false), (.http1_1, "Close", false),
            (.http1_1, "foo, CLOSE", false), (.http1_1, "keep-alive", true), (.http1_0, nil, false),
            (.http1_0, "keep-alive", true), (.http1_0, "Keep-Alive, foo", true), (.http1_0, "close", false),
            (.http1_0, "foo", false),
        ] as [(HTTPVersion, String?, Bool)])
    func persistence(version: HTTPVersion, connection: String?, isKept: Bool) throws {
        var machine = Machine(discardLimit: 10)
        let fields = [("Host", "x")] + (connection.map { [("Connection", $0)] } ?? [])
        let seen = try #require(passed(machine.headArrived(request(.GET, version, fields))))
        #expect(seen.headers["Connection"] == (isKept ? [] : ["close"]))
        _ = machine.requestEnded()
        let written = machine.responseBegan(response(200))
        #expect(isLast(written) == !isKept)
        if version == .http1_0, isKept { #expect(written.headers["Connection"] == ["keep-alive"]) }
        #expect(machine.responseEnded() == (isKept ? .none : .halfClose))
    }

    /// SwiftNIO's decoder stops after such a request.
    @Test(
        "A request for another protocol is the last that is read",
        arguments: [
            (HTTPMethod.CONNECT, []), (.GET, [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c")]),
            (.GET, [("Proxy-Connection", "upgrade"), ("Upgrade", "x")]),
        ])
    func otherProtocol(method: HTTPMethod, fields: [(String, String)]) throws {
        let head = request(method, .http1_1, [("Host", "x")] + fields)
        var machine = Machine(discardLimit: 10)
        let seen = try #require(passed(machine.headArrived(head)))
        #expect(seen.headers["Connection"] == ["close"])
        #expect(machine.mustNotRead == false)
        _ = machine.requestEnded()
        #expect(machine.mustNotRead == true)
        #expect(isLast(machine.responseBegan(response(200))))
        #expect(machine.responseEnded() == .flush)
        #expect(machine.mustNotRead == true)
        #expect(machine.responseWritten() == .close)
        // An early response: the rest of the request is discarded, so that the client receives no reset.
        var early = received(partial: head)
        #expect(isLast(early.responseBegan(response(413))))
        #expect(early.responseEnded() == .halfClose)
        #expect(early.mustNotRead == false)
        #expect(early.responseWritten() == .startTimer)
        #expect(early.requestEnded() == .close)
    }

    @Test("Nothing is read after a request for another protocol that is discarded") func otherProtocolDiscarded() {
        let upgrade = request(.GET, .http1_1, [("Host", "x"), ("Upgrade", "x")])
        // It follows a request whose response is the last.
        var pipelined = received([request(.GET, .http1_1, [("Host", "x"), ("Connection", "close")]), upgrade])
        #expect(pipelined.mustNotRead == true)
        _ = pipelined.responseBegan(response(200))
        #expect(pipelined.responseEnded() == .flush)
        #expect(pipelined.mustNotRead == true)
        // It follows the last response.
        var discarded = received(partial: request(.POST))
        _ = discarded.responseBegan(response(400))
        #expect(discarded.responseEnded() == .halfClose)
        _ = discarded.requestEnded()
        _ = discarded.headArrived(upgrade)
        #expect(discarded.requestEnded() == .discard, "the response is not written")
        #expect(discarded.mustNotRead == true)
        #expect(discarded.responseWritten() == .close)
        // It is one more than the limit of waiting requests.
        var refused = received(Array(repeating: request(), count: 1000))
        #expect(passed(refused.headArrived(upgrade)) == nil)
        #expect(refused.requestEnded() == .discard)
        #expect(refused.mustNotRead == true)
    }

    @Test("At most 1000 requests wait for their responses") func pipeliningLimit() throws {
        var machine = Machine(discardLimit: 10)
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
            #expect(machine.responseEnded() == .none)
        }
        _ = machine.responseBegan(response(200))
        guard case .refuse(let refusal) = machine.responseEnded() else {
            Issue.record("the requests above the limit are not refused")
            return
        }
        #expect(refusal.code == .unavailable)
    }

    @Test("Input that is not HTTP is refused after the responses to earlier requests") func syntaxError() {
        let refusal = Refusal(.malformed, "no")
        var first = Machine(discardLimit: 10)
        #expect(first.errorCaught(refusal) == .refuse(refusal))
        #expect(passed(first.headArrived(request())) == nil)
        #expect(first.bodyArrived() == .discard)
        #expect(first.mustNotRead == true, "not before the response has ended")
        #expect(first.requestEnded() == .discard)
        #expect(first.errorCaught(refusal) == .discard)
        #expect(isLast(first.responseBegan(response(400))))
        #expect(first.responseEnded() == .halfClose)
        #expect(first.mustNotRead == false)
        #expect(first.errorCaught(refusal) == .discard)
        var machine = received([request()])
        #expect(machine.errorCaught(refusal) == .discard)
        #expect(machine.errorCaught(refusal) == .discard)
        _ = machine.responseBegan(response(200))
        #expect(machine.responseEnded() == .refuse(refusal))
        #expect(isLast(machine.responseBegan(response(400))))
        #expect(machine.responseEnded() == .halfClose)
    }

    @Test("An error within content is passed to the route") func errorInContent() {
        var machine = received(partial: request(.POST))
        #expect(machine.errorCaught(nil) == .pass)
        #expect(machine.mustNotRead == false)
        #expect(machine.errorCaught(Refusal(.malformed, "no")) == .pass)
        #expect(machine.mustNotRead == true)
        var idle = Machine(discardLimit: 10)
        #expect(idle.errorCaught(nil) == .pass, "no error of the client's")
        _ = idle.headArrived(request())
        _ = idle.requestEnded()
        #expect(idle.errorCaught(nil) == .pass)
    }

    @Test("A server that shuts down closes each connection after the current response") func quiescing() {
        var idle = Machine(discardLimit: 10)
        #expect(idle.quiescingBegan() == .close)
        var begun = received([request()])
        #expect(begun.quiescingBegan() == .none)
        #expect(isLast(begun.responseBegan(response(200))))
        #expect(begun.responseEnded() == .halfClose)
        // The head of the response is written.
        var streaming = received([request()])
        #expect(!isLast(streaming.responseBegan(response(200))))
        #expect(streaming.quiescingBegan() == .none)
        #expect(streaming.responseEnded() == .halfClose)
        // The end of the response is not written.
        var ended = received([request()])
        _ = ended.responseBegan(response(200))
        #expect(ended.responseEnded() == .none)
        #expect(ended.quiescingBegan() == .none)
        #expect(ended.responseWritten() == .close)
        #expect(passed(ended.headArrived(request())) == nil)
        #expect(ended.bodyArrived() == .discard)
        #expect(ended.bytesRead(count: 100) == .none)
        #expect(ended.requestEnded() == .discard)
        #expect(ended.errorCaught(nil) == .discard)
    }
}
