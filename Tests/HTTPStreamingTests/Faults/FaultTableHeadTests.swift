import TestSupport
import Testing

@testable import HTTPStreaming

/// Malformed and unusual response heads, after the whole body and in mid-body.
@Suite("Fault table, response heads", .serialized, .timeLimit(.minutes(3)))
struct FaultTableHeadTests {
    static let phases = [Phase.midBody, .afterBody]

    /// Answers with that text and closes.
    private func answer(_ text: String, _ phase: Phase, way: Way = .send) async throws -> Outcome {
        try await FaultExchange(way: way, phase: phase).run {
            try $0.send(text)
            try $0.hangUp()
        }
    }

    @Test(
        "an invalid status line is not HTTP",
        arguments: [
            "SSH-2.0-OpenSSH\r\n\r\n", "<html>HTTP/0.9</html>", " HTTP/1.1 200 OK", "\r\nHTTP/1.1 200 OK", "ICY 200 OK",
            "http/1.1 200 OK", "HTTP/1.2 200 OK", "HTTP/1.1\t200\tOK", "HTTP/1.1",
            "HTTP/1.1 99 Low", "HTTP/1.1 099 Low", "HTTP/1.1 000 Low", "HTTP/1.1 1000 High", "HTTP/1.1 abc What",
            "HTTP/1.1 -20 What", "HTTP/1.1 +20 What",
        ], phases
    )
    func statusLine(line: String, phase: Phase) async throws {
        let outcome = try await answer("\(line)\r\nContent-Length: 3\r\n\r\nabc", phase)
        #expect(outcome.response == nil && outcome.error?.code == .invalidResponse, "\(outcome)")
    }

    @Test(
        "a malformed header is not HTTP, and the error gives the reason",
        arguments: [
            ("Content-Length: 3\r\nContent-Length: 5", "Content-Length"), ("Content-Length: 3, 5", "Content-Length"),
            ("Content-Length: -3", "Content-Length"), ("Content-Length: +3", "Content-Length"),
            ("Content-Length: abc", "Content-Length"), ("Content-Length:", "Content-Length"),
            ("Content-Length: 99999999999999999999999", "Content-Length"),
            ("Content-Length: 3\r\nNonsense", "malformed"), ("Content-Length: 3\r\nX: a\0b", "malformed"),
        ], phases
    )
    func malformed(lines: (text: String, why: String), phase: Phase) async throws {
        let outcome = try await answer("HTTP/1.1 200 OK\r\n\(lines.text)\r\n\r\nabc", phase)
        #expect(outcome.response == nil && outcome.error?.code == .invalidResponse, "\(outcome)")
        #expect(outcome.error?.message.contains(lines.why) == true, "\(outcome)")
    }

    @Test("a header of 300 KiB is too long, in many lines or in one", arguments: Way.allCases, Phase.allCases)
    func tooLong(way: Way, phase: Phase) async throws {
        for lines in [RawConnection.headerLines(kibibytes: 300), "X: " + String(repeating: "y", count: 300 << 10)] {
            let outcome = try await answer("HTTP/1.1 200 OK\r\n\(lines)\r\nContent-Length: 0\r\n\r\n", phase, way: way)
            #expect(outcome.response == nil && outcome.error?.code == .invalidResponse, "\(outcome)")
            #expect(outcome.error?.message.contains("long") == true, "\(outcome)")
        }
    }

    @Test(
        "a status line of 300 KiB is too long, also as the first line of all", arguments: Way.allCases, Phase.allCases)
    func longStatusLine(way: Way, phase: Phase) async throws {
        for beginning in ["HTTP/1.1 200 OK", "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK"] {
            let text = beginning + String(repeating: "y", count: 300 << 10)
            let outcome = try await answer(text, phase, way: way)
            #expect(outcome.response == nil && outcome.error?.code == .invalidResponse, "\(outcome)")
            #expect(outcome.error?.message.contains("header of the response is") == true, "\(outcome)")
        }
    }

    @Test(
        "unusual but unambiguous headers are accepted",
        arguments: [
            "Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3, 3",
            "Content-Length: 3\r\nX-Fold: a\r\n b:\r\n\tc",
            "Content-Length: 3\r\nX-Blank : z",
            String(repeating: "X-Many: y\r\n", count: 4000) + "Content-Length: 3",
            RawConnection.headerLines(kibibytes: 90) + "Content-Length: 3",
        ], phases
    )
    func odd(lines: String, phase: Phase) async throws {
        let outcome = try await answer("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\nabc", phase)
        #expect(outcome.content == "abc", "\(outcome)")
        let fields = try #require(outcome.response).headerFields
        #expect(fields["x-fold"] == (lines.contains("X-Fold") ? "a b: c" : nil))
        #expect(fields["x-blank"] == (lines.contains("X-Blank") ? "z" : nil))
        #expect(fields.values(of: "x-many").count == (lines.contains("X-Many") ? 4000 : 0))
    }

    @Test(
        "headers that libcurl's versions read differently are refused or harmless",
        arguments: [
            "HTTP/3.0 200 OK\r\nContent-Length: 3", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a\rb",
            "HTTP/1.1 200 OK\r\n X: folded\r\nContent-Length: 3",
            "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 10_000) + "Content-Length: 3",
        ], phases
    )
    func differing(head: String, phase: Phase) async throws {
        let outcome = try await answer("\(head)\r\n\r\nabc", phase)
        // In mid-body, the answer may also end before the body.
        let codes: [ClientError.Code] = phase == .midBody ? [.invalidResponse, .connectionLost] : [.invalidResponse]
        #expect(outcome.error.map { codes.contains($0.code) } ?? (outcome.content == "abc"), "\(outcome)")
        if let value = outcome.response?.headerFields["x"] { #expect(!value.contains("\r")) }
    }

    @Test("an unknown status is returned", arguments: [299, 399, 499, 600, 999], phases)
    func unknownStatus(status: Int, phase: Phase) async throws {
        let outcome = try await answer("HTTP/1.1 \(status)\r\nContent-Length: 3\r\n\r\nabc", phase)
        #expect(outcome.response?.status == status && outcome.content == "abc", "\(outcome)")
    }

    @Test(
        "a header cut off in its middle is a lost connection",
        arguments: ["HTTP/1.1 2", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nA: b\r\n"],
        phases
    )
    func cutOff(text: String, phase: Phase) async throws {
        for way in Way.allCases {
            let outcome = try await answer(text, phase, way: way)
            #expect(outcome.error?.code == .connectionLost, "\(outcome)")
            let reset = try await FaultExchange(way: way, phase: phase).run {
                try $0.send(text)
                $0.reset()
            }
            #expect(reset.error?.code == .connectionLost, "\(reset)")
        }
    }

    @Test("a slow header is read; an endless one is waited for until the task is cancelled", arguments: phases)
    func dripping(phase: Phase) async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        let whole = try await FaultExchange(phase: phase).run { try $0.drip(head, every: 5) }
        #expect(whole.content == "abc", "\(whole)")
        let endless = try await FaultExchange(phase: phase, deadline: .seconds(1), isEndless: true).run {
            try $0.drip("HTTP/1.1 200 OK", every: 200)
            $0.stall()
        }
        #expect(endless.error?.code == .cancelled, "\(endless)")
    }
}
