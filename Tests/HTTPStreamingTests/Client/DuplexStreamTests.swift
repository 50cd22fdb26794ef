import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("DuplexStream", .serialized, .timeLimit(.minutes(2)))
struct DuplexStreamTests {
    /// Sends each chunk back as it arrives.
    private func echo(_ connection: RawConnection) throws {
        while let head = try connection.readHead() {
            // A stream does not wait for a 100.
            #expect(head["expect"] == nil || head["content-type"]?.hasPrefix("multipart/") == true)
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while case let chunk = try connection.readChunk(), !chunk.isEmpty { try connection.sendChunk(chunk) }
            try connection.send("0\r\n\r\n")
        }
    }

    @Test("each line comes back before the next is written; the connection is kept") func lines() async throws {
        let server = try FaultServer(echo)
        let client = try Client(.post, server.url)
        for _ in 0..<3 {
            #expect(try await client.echoLines().status == 200)
        }
        #expect(server.accepted == 1)
        #expect(server.errors == [])
    }

    @Test("many MiB come back unchanged, in pieces of any size", arguments: [0, 1])
    func volume(coded: Int) async throws {
        let server = try FaultServer(echo)
        let client = try Client(.post, server.url) { if coded == 1 { $0.contentCoding = .gzip(level: 1) } }
        let stream = try await client.open()
        var generator = SeededGenerator(case: coded)
        let content = (0..<(1 << 20)).flatMap { _ in
            withUnsafeBytes(of: generator.next() & 0x0F0F_0F0F_0F0F_0F0F, Array.init)
        }
        let writing = Task { [generator] in
            var generator = generator
            var rest = content[...]
            while !rest.isEmpty {
                let chunk = rest.prefix(Int.random(in: 0...300_000, using: &generator))
                guard try await stream.write(chunk) else { break }
                rest = rest.dropFirst(chunk.count)
            }
            stream.finish()
        }
        var received: [UInt8] = []
        for try await chunk in try await stream.response.body { received += chunk }
        try await writing.value
        #expect((coded == 1 ? try Coding.gzip.decode(received) : received) == content)
    }

    @Test("data written with a content coding can be decoded at once") func coded() async throws {
        let server = try FaultServer { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            var decoder = ContentDecoder(.gzip)
            while case let chunk = try connection.readChunk(), !chunk.isEmpty {
                let content = try decoder.decode(chunk)
                if !content.isEmpty { try connection.sendChunk(content) }
            }
            try connection.send("0\r\n\r\n")
        }
        let stream = try await Client(.put, server.url, { $0.contentCoding = .gzip() }).open()
        var iterator = try await stream.response.body.makeAsyncIterator()
        for text in ["one", "two", String(repeating: "three", count: 10_000)] {
            try await stream.write(text.utf8)
            var content: [UInt8] = []
            while content.count < text.utf8.count { content += try #require(try await iterator.next()) }
            #expect(content == Array(text.utf8))
        }
        stream.finish()
        #expect(try await iterator.next() == nil)
    }

    @Test(
        "the response may end first, with any framing; the request goes on",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ]
    )
    func responseFirst(answer: String) async throws {
        let received = Shared<[UInt8]>([])
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                if head["transfer-encoding"] != nil { try connection.send(answer) }
                let body = try connection.readBody(of: head)
                received.update { $0 += body }
                if head["transfer-encoding"] == nil { try connection.respond(200, "next") }
            }
        }
        let client = try Client(.post, server.url)
        let stream = try await client.open()
        #expect(try await stream.response.text() == (answer.contains("he") ? "hello" : ""))
        for _ in 0..<10 { #expect(try await stream.write("0123456789".utf8)) }
        stream.finish()
        #expect(try await client.send(.field("a", "b")).text() == "next")
        #expect(server.accepted == 1)
        #expect(received.value.starts(with: Array(repeatElement(Array("0123456789".utf8), count: 10).joined())))
    }

    @Test("a server may close after its response: the response is whole, and write returns false", arguments: 0..<3)
    func closesBehindResponse(framing: Int) async throws {
        let head = [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        ][framing]
        let server = try FaultServer { connection in
            guard try connection.readHead() != nil else { return }
            _ = try connection.readChunk()
            try connection.send(head)
        }
        let client = try Client(.post, server.url)
        for _ in 0..<5 {
            let stream = try await client.open()
            try await stream.write([1])
            #expect(try await stream.response.text() == "hello")
            #expect(try await eventually { !(try await stream.write([2])) })
            stream.finish()
        }
    }

    @Test("after a refusal write returns false, and the response is available") func refusal() async throws {
        let server = try refusingServer(413, "too much", fields: "Connection: close\r\n")
        let client = try Client(.post, server.url)
        let stream = try await client.open()
        var isTaken = true
        for _ in 0..<10_000 where isTaken { isTaken = try await stream.write([UInt8](repeating: 1, count: 50_000)) }
        #expect(!isTaken)
        #expect(try await stream.response.summary() == "413 too much")
    }

    @Test("when the connection is lost, every waiting call throws", arguments: [true, false])
    func lost(resets: Bool) async throws {
        let server = try FaultServer { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
            _ = try connection.readChunk()
            if resets { connection.reset() }
        }
        let client = try Client(.post, server.url)
        let stream = try await client.open()
        var iterator = try await stream.response.body.makeAsyncIterator()
        #expect(try await iterator.next() == Array("some".utf8))
        try await stream.write([1])
        await expectError(.connectionLost) { _ = try await iterator.next() }
        await expectError(.connectionLost) { _ = try await eventually { !(try await stream.write([1])) } }
        stream.finish()
        // The client is usable again.
        await expectError(.connectionLost) { try await client.send(.field("a", "b")).text() }
    }

    @Test("a server that does not read suspends the writer; cancelling ends the wait", arguments: 0..<3)
    func backPressure(ending: Int) async throws {
        let isOver = Gate()
        defer { isOver.open() }
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            guard try connection.readHead() != nil else { return }
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            isOver.wait()
        }
        let client = try Client(.post, server.url)
        let stream = try await client.open()
        let written = Shared(0)
        let writing = Task {
            while true {
                try await stream.write([UInt8](repeating: 1, count: 100_000))
                written.update { $0 += 100_000 }
            }
        }
        var last = -1
        for _ in 0..<100 where last != written.value || last == 0 {
            last = written.value
            try await Task.sleep(for: .milliseconds(300))
        }
        // The kernel's buffers hold some MiB.
        #expect(last == written.value && last < 16 << 20)
        if ending != 1 { writing.cancel() }
        if ending != 0 { stream.cancel() }
        await expectError(.cancelled) { try await writing.value }
        await expectError(.cancelled) { try await stream.write([1]) }
    }

    @Test("other calls throw while a stream is open, until it ends or is released") func turns() async throws {
        let server = try FaultServer(echo)
        let client = try Client(.post, server.url)
        var stream: DuplexStream? = try await client.open()
        for _ in 0..<2 {
            await expectError(.requestOpen) { try await client.send(.field("a", "b")) }
            await expectError(.requestOpen) { try await client.open() }
        }
        stream = nil
        let next = try await client.open()
        next.finish()
        #expect(try await next.response.text() == "")
        await expectError(.nothingOpen) { try await next.write([1]) }
        let unclosed = try Client(.post, server.url)
        try await unclosed.sendUnclosed(.field("a", "b"))
        await expectError(.requestOpen) { try await unclosed.open() }
        #expect(try await unclosed.close().status == 200)
        _ = stream
    }

    @Test("an announced length is enforced") func length() async throws {
        let (recorder, _, client) = try recording(.put)
        let stream = try await client.open(contentType: "text/plain", length: 10)
        try await stream.write("01234".utf8)
        await expectError(.sourceChanged) { try await stream.write("567890".utf8) }
        try await stream.write("56789".utf8)
        stream.finish()
        #expect(try await stream.response.status == 201)
        let request = try #require(recorder.last)
        #expect(request.head["content-length"] == "10")
        #expect(request.head["content-type"] == "text/plain")
        #expect(request.head.line == "PUT / HTTP/1.1")
        #expect(request.body == Array("0123456789".utf8))

        let short = try await client.open(length: 10)
        try await short.write("0".utf8)
        short.finish()
        await expectError(.cancelled) { try await short.response }
        let empty = try await client.open(length: 0)
        empty.finish()
        #expect(try await empty.response.status == 201)
        for length: Int64 in [-1, .min] {
            await expectError(.invalidConfiguration) { try await client.open(length: length) }
        }
    }
}
