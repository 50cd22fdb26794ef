import NIOHTTP1

@testable import Receiver

/// The rules of an HTTP/1 connection hold for every order of events, each of which the next byte of the input decides.
enum HTTP1ConnectionCheck {
    fileprivate typealias Machine = HTTP1ConnectionHandler.StateMachine

    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        var connection = Peers(input)
        while !connection.choices.isEmpty { connection.step() }
        connection.finish()
        try require(connection.broken.isEmpty, connection.broken.joined(separator: "; "))
        try checkImpossibleEvents(Choices(input))
    }

    /// Events that cannot happen do no harm, and closed is final.
    private static func checkImpossibleEvents(_ choices: Choices) throws(Violation) {
        var choices = choices
        var machine = Machine(discardLimit: 10)
        var isClosed = false
        while !choices.isEmpty {
            let (isActive, closes) = anyEvent(&machine, &choices)
            try require(!isClosed || !isActive, "an action after closing")
            isClosed = isClosed || closes
        }
    }

    /// - Returns: whether the handler has to act, and whether the action is to close the connection.
    private static func anyEvent(_ machine: inout Machine, _ choices: inout Choices) -> (isActive: Bool, closes: Bool) {
        switch choices.below(11) {
        case 0:
            guard case .pass = machine.headArrived(Peers.requestHead(&choices)) else { return (false, false) }
            return (true, false)
        case 1:
            return (machine.bodyArrived() != .discard, false)
        case 9:
            let action = machine.bytesRead(count: 4)
            return (action == .close, action == .close)
        case 2:
            let action = machine.requestEnded()
            return (action != .discard, action == .close)
        case 3:
            return (machine.errorCaught(choices.oneIn(2) ? nil : Peers.refusal) != .discard, false)
        case 4:
            let action = machine.inputClosed()
            return (action == .close, action == .close)
        case 5:
            _ = machine.responseBegan(Peers.responseHead(&choices))
            return (false, false)
        case 6:
            return (machine.responseEnded() != .none, false)
        case 7:
            let action = machine.responseWritten()
            return (action != .none, action == .close)
        case 8:
            let action = machine.quiescingBegan()
            return (action == .close, action == .close)
        default:
            machine.channelBecameInactive()
            return (false, true)
        }
    }
}

/// Decisions that are made by the bytes of an input. After its end, each is the last of its choices.
private struct Choices {
    private var bytes: Slice<UnsafeRawBufferPointer>

    init(_ input: UnsafeRawBufferPointer) { bytes = input[...] }

    var isEmpty: Bool { bytes.isEmpty }

    mutating func below(_ count: Int) -> Int { bytes.popFirst().map { Int($0) % count } ?? count - 1 }

    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[below(choices.count)] }

    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}

/// What surrounds a connection's state machine: a client whose input is decoded, routes, and a channel. Each keeps its own
/// account of what has happened, by which the actions of the machine are judged.
private struct Peers: ~Copyable {
    typealias Machine = HTTP1ConnectionHandler.StateMachine

    static let refusal = Refusal(.malformed, "no")
    private static let limit = 10

    private(set) var choices: Choices
    /// The promises that the machine has not kept.
    private(set) var broken: [String] = []
    private var machine = Machine(discardLimit: limit)
    // The client.
    private var isInRequest = false
    private var isUpgrade = false
    private var hasDecoderStopped = false
    private var hasInputFailed = false
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

    init(_ input: UnsafeRawBufferPointer) { choices = Choices(input) }

    static func requestHead(_ choices: inout Choices) -> HTTPRequestHead {
        let fields = choices.pick([[], [], [], [("Connection", "close")], [("Upgrade", "x")]])
        return HTTPRequestHead(
            version: choices.pick([.http1_1, .http1_1, .http1_0]), method: choices.pick([.GET, .HEAD, .POST]), uri: "/",
            headers: HTTPHeaders([("Host", "x")] + fields))
    }

    static func responseHead(_ choices: inout Choices) -> HTTPResponseHead {
        HTTPResponseHead(
            version: .http1_1, status: choices.pick([.continue, .ok, .ok, .noContent, .badRequest]),
            headers: choices.pick([["Content-Length": "0"], ["Content-Length": "0"], [:]]))
    }

    mutating func step() {
        switch choices.below(40) {
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
        let isUseless = hasDecoderStopped || hasInputFailed && !hasEnded && !isClosed
        expect(machine.mustNotRead == isUseless, "what the decoder would store, or nobody wants, is not read")
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
        if isInRequest, choices.oneIn(2) {
            judgeInput(machine.bodyArrived(), closes: false)
            if hasEnded { discarded += 4 }
            judge(machine.bytesRead(count: 4), mayClose: hasEnded && discarded > Self.limit)
            expect(isClosed || discarded <= Self.limit, "input is discarded up to the limit")
        } else if isInRequest {
            isInRequest = false
            hasDecoderStopped = isUpgrade
            judgeInput(machine.requestEnded(), closes: hasEnded && isUpgrade && unwritten == 0)
        } else if choices.oneIn(15) {
            fail()
        } else {
            let head = Self.requestHead(&choices)
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
        hasInputFailed = true
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
                isRefusing ? HTTPResponseHead(version: .http1_1, status: .badRequest) : Self.responseHead(&choices))
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
