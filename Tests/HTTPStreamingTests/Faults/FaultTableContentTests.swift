import TestSupport
import Testing

@testable import HTTPStreaming

/// Responses with truncated or badly framed content: the head is the response and reading fails; or, if
/// libcurl sees both at once before the body was sent, the request fails.
@Suite("Fault table, content of answers", .serialized, .timeLimit(.minutes(3)))
struct FaultTableContentTests {
    static let phases = [Phase.midBody, .afterBody]
    private static let chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    private func run(
        _ phase: Phase, way: Way = .send, _ fault: @escaping @Sendable (RawConnection) throws -> Void
    ) async throws -> Outcome {
        try await FaultExchange(way: way, phase: phase).run {
            try fault($0)
            try $0.hangUp()
        }
    }

    private func expect(_ code: ClientError.Code, _ outcome: Outcome, _ phase: Phase) {
        #expect(outcome.error?.code == code, "\(outcome)")
        if phase == .afterBody { #expect(outcome.response?.status == 200, "\(outcome)") }
    }

    @Test("a truncated chunked response is a lost connection, wherever it is cut", arguments: phases)
    func truncated(phase: Phase) async throws {
        for way in Way.allCases {
            for rest in ["", "30\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0", "3\r\nabc\r\n0\r\nA: b"] {
                let outcome = try await run(phase, way: way) { try $0.send(Self.chunkedHead + rest) }
                expect(.connectionLost, outcome, phase)
            }
            let outcome = try await run(phase, way: way) { try $0.respondChunked(200, ["abc", "def"], isEnded: false) }
            expect(.connectionLost, outcome, phase)
        }
    }

    @Test("a truncated chunked refusal has its status, but its content is an error", arguments: phases)
    func truncatedRefusal(phase: Phase) async throws {
        let outcome = try await run(phase) { try $0.respondChunked(413, ["abc", "def"], isEnded: false) }
        #expect(outcome.response?.status == 413 && outcome.error?.code == .connectionLost, "\(outcome)")
    }

    @Test(
        "an invalid chunk size is a malformed response", arguments: phases,
        ["xyz\r\nabc", "-3\r\nabc", "ffffffffffffffffffff\r\nabc", "3\r\nabcdef\r\n", "\r\n\r\n"]
    )
    func chunkSize(phase: Phase, chunk: String) async throws {
        let outcome = try await run(phase) { try $0.send(Self.chunkedHead + chunk + "\r\n0\r\n\r\n") }
        expect(.invalidResponse, outcome, phase)
        #expect(outcome.error?.message.contains("chunk") == true)
    }

    @Test("a chunk size of 2^63 - 1 is accepted; its missing content is a lost connection", arguments: phases)
    func hugeChunk(phase: Phase) async throws {
        let outcome = try await run(phase) { try $0.send(Self.chunkedHead + "7fffffffffffffff\r\nabc\r\n0\r\n\r\n") }
        expect(.connectionLost, outcome, phase)
    }

    @Test("an unknown transfer coding is a malformed response", arguments: phases)
    func unknownCoding(phase: Phase) async throws {
        let outcome = try await run(phase) { try $0.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nabc") }
        #expect(outcome.error?.code == .invalidResponse, "\(outcome)")
    }

    @Test("content shorter than its length is a lost connection, after a close and a reset", arguments: phases)
    func tooShort(phase: Phase) async throws {
        for way in Way.allCases {
            let outcome = try await run(phase, way: way) { try $0.respondPartly(200, length: 100_000, sent: 50_000) }
            expect(.connectionLost, outcome, phase)
            let reset = try await FaultExchange(way: way, phase: phase).run {
                try $0.respondPartly(200, length: 100_000, sent: 50_000)
                $0.reset()
            }
            #expect(reset.error?.code == .connectionLost, "\(reset)")
        }
    }

    @Test("bytes after the content's length belong neither to it nor to the next response")
    func tooLong() async throws {
        let smuggled = "HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n"
        let outcome = try await run(.afterBody) {
            try $0.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" + smuggled)
        }
        #expect(outcome.content == "abc", "\(outcome)")
        let early = try await run(.midBody) {
            try $0.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" + smuggled)
        }
        #expect(early.error?.code == .connectionLost || early.content == "abc", "\(early)")
    }

    @Test("chunked overrides a length (RFC 9112 §6.3)", arguments: phases) func both(phase: Phase) async throws {
        let outcome = try await run(phase) {
            try $0.respondChunked(200, ["abc", "de"], fields: "Content-Length: 3\r\n")
        }
        #expect(outcome.content == "abcde", "\(outcome)")
    }

    @Test("204, 304 and the response to HEAD have no content, whatever follows") func none() async throws {
        for status in [204, 304] {
            for answer in ["Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"] {
                let outcome = try await run(.afterBody) { try $0.send("HTTP/1.1 \(status) None\r\n" + answer) }
                #expect(outcome.response?.status == status && outcome.content == "", "\(outcome)")
            }
        }
        for answer in [
            "Content-Length: 3\r\n\r\n", "Content-Length: 3\r\n\r\nabc",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ] {
            let outcome = try await FaultExchange(method: .head).run { try $0.send("HTTP/1.1 200 OK\r\n" + answer) }
            #expect(outcome.response?.status == 200 && outcome.content == "", "\(outcome)")
        }
    }

    @Test("slow content is read; stalled content is waited for until the task is cancelled", arguments: phases)
    func dripping(phase: Phase) async throws {
        let whole = try await FaultExchange(phase: phase).run {
            try $0.drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", every: 5)
        }
        #expect(whole.content == "abc", "\(whole)")
        let stalled = try await FaultExchange(phase: phase, deadline: .seconds(1), isEndless: true).run {
            try $0.respondPartly(413, length: 100, sent: 50)
            $0.stall()
        }
        #expect(stalled.response?.status == 413 && stalled.error?.code == .cancelled, "\(stalled)")
    }
}
