import NIOHTTP1
import TestSupport
import Testing

@testable import Receiver

@Suite("HTTP/1 connection state machine: random events") struct HTTP1ConnectionPropertyTests {
    fileprivate typealias Machine = HTTP1ConnectionHandler.StateMachine

    /// The events of a decoder, of routes that respond in order, and of a channel that writes in order.
    @Test("Every random order of events keeps the promises of a connection") func randomEvents() {
        print("HTTP1ConnectionPropertyTests: TEST_SEED=\(SeededGenerator.seed)")
        for number in 0..<5000 {
            var connection = Peers(case: number)
            for _ in 0..<connection.random.pick([5, 20, 60]) { connection.step() }
            connection.finish()
            guard connection.broken.isEmpty else {
                Issue.record("case \(number), TEST_SEED=\(SeededGenerator.seed): \(connection.broken)")
                return
            }
        }
    }

    @Test("Events that cannot happen do no harm, and closed is final") func impossibleEvents() {
        for number in 0..<500 {
            var random = SeededGenerator(case: number)
            var machine = Machine(discardLimit: 10)
            var isClosed = false
            for _ in 0..<30 {
                let (isActive, closes) = Self.anyEvent(&machine, &random)
                #expect(!isClosed || !isActive, "case \(number), TEST_SEED=\(SeededGenerator.seed)")
                isClosed = isClosed || closes
            }
            machine.channelBecameInactive()
            for _ in 0..<30 {
                let (isActive, _) = Self.anyEvent(&machine, &random)
                #expect(!isActive, "case \(number), TEST_SEED=\(SeededGenerator.seed)")
            }
        }
    }

    /// - Returns: whether the handler has to act, and whether the action is to close the connection.
    private static func anyEvent(
        _ machine: inout Machine, _ random: inout SeededGenerator
    ) -> (isActive: Bool, closes: Bool) {
        switch Int.random(in: 0..<9, using: &random) {
        case 0:
            guard case .pass = machine.headArrived(Peers.requestHead(&random)) else { return (false, false) }
            return (true, false)
        case 1:
            let action = machine.bodyArrived(count: 4)
            return (action != .discard, action == .close)
        case 2:
            let action = machine.requestEnded()
            return (action != .discard, action == .close)
        case 3:
            return (machine.errorCaught(random.oneIn(2) ? nil : Peers.refusal) != .discard, false)
        case 4:
            let action = machine.inputClosed()
            return (action == .close, action == .close)
        case 5:
            _ = machine.responseBegan(Peers.responseHead(&random))
            return (false, false)
        case 6:
            return (machine.responseEnded() != .none, false)
        case 7:
            let action = machine.responseWritten()
            return (action != .none, action == .close)
        default:
            let action = machine.quiescingBegan()
            return (action == .close, action == .close)
        }
    }
}

/// What surrounds a connection's state machine: a client whose input is decoded, routes, and a channel. Each keeps its own
/// account of what has happened, by which the actions of the machine are judged.
private struct Peers: ~Copyable {
    typealias Machine = HTTP1ConnectionHandler.StateMachine

    static let refusal = Refusal(.malformed, "no")
    private static let limit = 10

    var random: SeededGenerator
    /// The promises that the machine has not kept.
    private(set) var broken: [String] = []
    private var machine = Machine(discardLimit: limit)
    // The client.
    private var isInRequest = false
    private var isUpgrade = false
    private var hasDecoderStopped = false
    private var hasInputEnded = false
    // The routes.
    /// Whether the connection may persist, for each request that is accepted and not answered.
    private var openRequests: [Bool] = []
    private var hasResponseBegun = false
    private var isLast = false
    private var isRefusing = false
    // The channel.
    private var unwritten = 0
    private var discarded = 0
    private var timers = 0
    private var hasEnded = false
    private var isClosed = false

    init(case number: Int) { random = SeededGenerator(case: number) }

    static func requestHead(_ random: inout SeededGenerator) -> HTTPRequestHead {
        let fields = random.pick([[], [], [], [("Connection", "close")], [("Upgrade", "x")]])
        return HTTPRequestHead(
            version: random.pick([.http1_1, .http1_1, .http1_0]), method: random.pick([.GET, .HEAD, .POST]), uri: "/",
            headers: HTTPHeaders([("Host", "x")] + fields))
    }

    static func responseHead(_ random: inout SeededGenerator) -> HTTPResponseHead {
        HTTPResponseHead(
            version: .http1_1, status: random.pick([.continue, .ok, .ok, .noContent, .badRequest]),
            headers: random.pick([["Content-Length": "0"], ["Content-Length": "0"], [:]]))
    }

    mutating func step() {
        switch Int.random(in: 0..<40, using: &random) {
        case 0..<16: receive()
        case 16..<28: respond()
        case 28..<38: write()
        case 38: closeInput()
        default: judge(machine.quiescingBegan(), mayClose: openRequests.isEmpty && unwritten == 0 && !isRefusing)
        }
        check()
    }

    /// All requests end, all responses are written, and the client closes its side.
    mutating func finish() {
        while isInRequest, !hasInputEnded, !isClosed { receive() }
        while !openRequests.isEmpty || isRefusing, !hasEnded, !isClosed { respond() }
        while unwritten > 0 { write() }
        closeInput()
        check()
        expect(isClosed || !hasEnded, "a connection that has ended is not closed")
    }

    private mutating func expect(_ condition: Bool, _ promise: String) { if !condition { broken.append(promise) } }

    private mutating func check() {
        expect(machine.hasUnwrittenResponses == (unwritten > 0), "unwritten responses are counted")
        expect(machine.isEnding == (hasEnded || isClosed), "the connection ends with the last response")
        expect(machine.mustNotRead == hasDecoderStopped, "what the decoder would store is not read")
        let isIdle = openRequests.isEmpty && unwritten == 0 && !hasEnded && !isClosed && !isRefusing
        expect(machine.isIdle == isIdle, "a connection is idle if there is nothing to do")
        expect(timers <= 1, "one timer is started")
    }

    private mutating func judge(_ action: Machine.CloseAction, mayClose: Bool) {
        expect(action == .none || mayClose, "closed too early")
        expect(action == .none || !isClosed, "closed twice")
        isClosed = isClosed || action == .close
    }

    private mutating func receive() {
        guard !hasDecoderStopped, !hasInputEnded, !isClosed else { return }
        if isInRequest, random.oneIn(2) {
            let action = machine.bodyArrived(count: 4)
            if hasEnded { discarded += 4 }
            judgeInput(action, closes: hasEnded && discarded > Self.limit)
        } else if isInRequest {
            isInRequest = false
            hasDecoderStopped = isUpgrade
            judgeInput(machine.requestEnded(), closes: hasEnded && isUpgrade && unwritten == 0)
        } else if random.oneIn(15) {
            fail()
        } else {
            let head = Self.requestHead(&random)
            (isInRequest, isUpgrade) = (true, head.headers.contains(name: "Upgrade"))
            if case .pass = machine.headArrived(head) {
                expect(!hasEnded && !isRefusing, "no request is accepted after the last response")
                openRequests.append(
                    head.version == .http1_1 && !isUpgrade && !head.headers.contains(name: "Connection"))
            }
        }
    }

    private mutating func judgeInput(_ action: Machine.ReadAction, closes: Bool) {
        expect((action == .close) == closes, "input is discarded up to the limit")
        expect(action != .pass || !hasEnded, "nothing is passed after the last response")
        isClosed = isClosed || action == .close
    }

    private mutating func fail() {
        switch machine.errorCaught(Self.refusal) {
        case .pass: expect(false, "a syntax error between requests is not passed")
        case .discard: expect(!openRequests.isEmpty || hasEnded || isRefusing, "a syntax error is refused")
        case .refuse:
            expect(openRequests.isEmpty && !hasEnded && !isRefusing, "refused in turn, and once")
            isRefusing = true
        }
    }

    private mutating func respond() {
        guard !openRequests.isEmpty || isRefusing, !hasEnded, !isClosed else { return }
        guard hasResponseBegun else {
            let head = machine.responseBegan(
                isRefusing ? HTTPResponseHead(version: .http1_1, status: .badRequest) : Self.responseHead(&random))
            hasResponseBegun = head.status != .continue
            isLast = head.headers["Connection"] == ["close"]
            let mayPersist = openRequests.first ?? false
            expect(
                isLast || mayPersist || !hasResponseBegun, "a response is not the last, though its request asks for it")
            return
        }
        hasResponseBegun = false
        if !isRefusing { openRequests.removeFirst() }
        unwritten += 1
        let action = machine.responseEnded()
        expect(!isLast || action == .halfClose || action == .flush, "the last response ends the connection")
        switch action {
        case .none: break
        case .halfClose: expect(!hasInputEnded && !hasDecoderStopped, "half-closed though nothing can follow")
        case .flush: expect(hasInputEnded || hasDecoderStopped, "closed though input may follow")
        case .refuse:
            expect(openRequests.isEmpty && !isRefusing, "refused in turn, and once")
            isRefusing = true
        }
        if action == .halfClose || action == .flush { (hasEnded, isRefusing) = (true, false) }
    }

    private mutating func write() {
        guard unwritten > 0 else { return }
        unwritten -= 1
        let action = machine.responseWritten()
        if action == .startTimer {
            timers += 1
            expect(hasEnded && unwritten == 0 && !isClosed, "the timer starts when all responses are written")
        }
        let mayClose =
            unwritten == 0 && !isClosed && (hasEnded ? hasInputEnded || hasDecoderStopped : openRequests.isEmpty)
        expect(action != .close || mayClose, "closed too early")
        isClosed = isClosed || action == .close
    }

    private mutating func closeInput() {
        guard !hasInputEnded else { return }
        hasInputEnded = true
        judge(machine.inputClosed(), mayClose: hasEnded && unwritten == 0)
    }
}
