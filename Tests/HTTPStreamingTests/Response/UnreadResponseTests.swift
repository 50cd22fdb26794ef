import Testing

@testable import HTTPStreaming

@Suite("UnreadResponse", .timeLimit(.minutes(3)))
struct UnreadResponseTests {
    private func parse(_ text: String) -> (answer: UnreadResponse?, fields: HeaderFields) {
        var head = ResponseHeadReader(expectsContinue: false)
        let answer = UnreadResponse(Array(text.utf8), head: &head)
        return (answer, head.fields)
    }

    @Test("a response with a length is read, whole and truncated") func length() throws {
        let head = "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nX: y\r\n\r\n"
        let (whole, fields) = parse(head + "helloMORE")
        #expect(whole?.status == 413 && whole?.isComplete == true)
        #expect(whole.map { Array($0.content) } == Array("hello".utf8))
        #expect(fields["x"] == "y")
        let (cut, _) = parse(head + "hel")
        #expect(cut?.isComplete == false)
        #expect(cut.map { Array($0.content) } == Array("hel".utf8))
    }

    @Test("a chunked response is read, whole and truncated at any byte") func chunked() throws {
        let head = "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n"
        let body = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
        let whole = try #require(parse(head + body).answer)
        #expect(whole.isComplete && Array(whole.content) == Array("hello world".utf8))
        // The last chunk's line is the last that counts.
        for length in 0..<(body.utf8.count - 2) {
            let cut = try #require(parse(head + String(decoding: body.utf8.prefix(length), as: UTF8.self)).answer)
            #expect(!cut.isComplete, "\(length)")
            #expect("hello world".utf8.starts(with: cut.content))
        }
        #expect(parse(head + "zz\r\nhello").answer?.isComplete == false)
    }

    @Test("informational responses are skipped; a response may last until the connection's end") func others() throws {
        let behind = parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n").answer
        #expect(behind?.status == 401 && behind?.isComplete == true)
        #expect(parse("HTTP/1.0 500 Oops\r\n\r\nwhy").answer?.isComplete == false)
    }

    @Test(
        "anything but a final header is no response",
        arguments: ["", "HTTP/1.1 413 Too", "HTTP/1.1 413 T\r\nA: b\r\n", "\u{16}\u{3}junk\n"])
    func none(text: String) {
        #expect(parse(text).answer == nil)
    }
}
