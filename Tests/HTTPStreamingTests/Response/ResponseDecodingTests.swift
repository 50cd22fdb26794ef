import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Response decoding", .timeLimit(.minutes(2)))
struct ResponseDecodingTests {
    private let text = Array((0..<20_000).map { "line \($0)\n" }.joined().utf8)

    @Test("gzip and deflate are asked for and decoded", arguments: ["gzip", "x-gzip", "GZIP", "deflate"])
    func decoded(token: String) async throws {
        let content = try (token == "deflate" ? Coding.deflate : .gzip).encode(text)
        let heads = Shared<[RequestHead]>([])
        let server = try contentServer("Content-Encoding: \(token)\r\n", content, heads: heads)
        let client = try Client(.get, server.url)
        #expect(try await client.send().bytes() == text)
        #expect(try await client.send().text() == String(decoding: text, as: UTF8.self))
        let response = try await client.send()
        var received: [UInt8] = []
        for try await chunk in response.body {
            #expect(!chunk.isEmpty && chunk.count <= 64 << 10)
            received += chunk
        }
        #expect(received == text)
        // The fields describe the coded content.
        #expect(response.headerFields["content-encoding"] == token)
        #expect(response.headerFields["content-length"] == "\(content.count)")
        #expect(heads.value.map { $0["accept-encoding"] } == ["gzip, deflate", "gzip, deflate", "gzip, deflate"])
        // Also for a request with a body.
        #expect(try await Client(.post, server.url).send(.field("a", "b")).bytes() == text)
        #expect(heads.value.last?["accept-encoding"] == "gzip, deflate")
        #expect(server.accepted == 2)
    }

    @Test(
        "any other coding, or several, are returned undecoded",
        arguments: [
            "br", "identity", "gzip, br", "br, gzip", "gzip, gzip", "", "gzip\r\nContent-Encoding: gzip", "zip",
        ]
    )
    func otherCodings(value: String) async throws {
        let content = try Coding.gzip.encode(text)
        let server = try contentServer("Content-Encoding: \(value)\r\n", content)
        #expect(try await Client(.get, server.url).send().bytes() == content)
    }

    @Test(
        "a request with its own Accept-Encoding or Range receives undecoded content",
        arguments: [("Accept-Encoding", "gzip"), ("accept-encoding", ""), ("Range", "bytes=0-9")]
    )
    func raw(name: String, value: String) async throws {
        let content = try Coding.gzip.encode(text)
        let heads = Shared<[RequestHead]>([])
        let server = try contentServer("Content-Encoding: gzip\r\n", content, heads: heads)
        let response = try await Client(.get, server.url, { $0.headerFields = [name: value] }).send()
        #expect(try await response.bytes() == content)
        let fields = try #require(heads.value.first?.fields.filter { ["accept-encoding", "range"].contains($0.name) })
        #expect(fields.map(\.name) == [name.lowercased()] && fields.map(\.value) == [value])
    }

    @Test(
        "empty content is empty in any coding",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 Not Modified\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
        ]
    )
    func empty(start: String) async throws {
        let server = try FaultServer { connection in
            while try connection.readHead() != nil {
                try connection.send("\(start)Content-Encoding: gzip\r\n\r\n")
                if start.contains("chunked") { try connection.send("0\r\n\r\n") }
            }
        }
        let client = try Client(.get, server.url)
        for _ in 0..<2 { #expect(try await client.send().bytes() == []) }
        #expect(server.accepted == 1)
    }

    @Test("the response to HEAD has the fields of content but no content") func head() async throws {
        let server = try FaultServer { connection in
            while try connection.readHead() != nil {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n\r\n")
            }
        }
        let client = try Client(.head, server.url)
        for _ in 0..<2 { #expect(try await client.send().bytes() == []) }
        #expect(server.accepted == 1)
    }

    @Test("chunks of one byte are decoded", arguments: Coding.allCases) func tinyChunks(coding: Coding) async throws {
        let content = try coding.encode(Array(text.prefix(3000)))
        let server = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: \(coding)\r\n\r\n")
            for byte in content { try connection.sendChunk([byte]) }
            try connection.send("0\r\n\r\n")
        }
        #expect(try await Client(.get, server.url).send().bytes() == Array(text.prefix(3000)))
    }

    @Test("zeros after the last gzip member are padding") func padding() async throws {
        let content = bottles(100_000)
        for count in [1, 512, 100_000] {
            let body = try Coding.gzip.encode(content) + [UInt8](repeating: 0, count: count)
            let server = try contentServer("Content-Encoding: gzip\r\n", body)
            let response = try await Client(.post, server.url).send(.field("a", "b"))
            #expect(try await response.bytes(limit: 1 << 20) == content)
        }
    }

    @Test("flushed data is returned before more arrives") func flushed() async throws {
        let (isRead, content) = (Gate(), Array("event\n".utf8))
        let server = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
            var encoder = try ContentEncoder(.gzip)
            try connection.send(encoder.encode(content, .flush))
            isRead.wait()
            try connection.send(encoder.encode(content, .finish))
        }
        var iterator = try await Client(.get, server.url).send().body.makeAsyncIterator()
        #expect(try await iterator.next() == content)
        isRead.open()
        #expect(try await iterator.next() == content)
        #expect(try await iterator.next() == nil)
        #expect(try await iterator.next() == nil)
    }

    @Test("a limit counts decoded bytes, exactly") func limits() async throws {
        let server = try contentServer("Content-Encoding: gzip\r\n", try Coding.gzip.encode(text))
        let client = try Client(.get, server.url)
        #expect(try await client.send().bytes(limit: text.count) == text)
        let response = try await client.send()
        await expectError(.responseTooLarge) { try await response.bytes(limit: text.count - 1) }
    }

    @Test("a second reader at the same time is an error") func twoReaders() async throws {
        let release = Gate()
        let server = try contentServer("Content-Encoding: gzip\r\n", try Coding.gzip.encode(text), gate: release)
        let response = try await Client(.get, server.url).send()
        let codes = await withTaskGroup(of: ClientError.Code?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    do {
                        #expect(try await response.bytes() == self.text)
                        return nil
                    } catch { return (error as? ClientError)?.code }
                }
            }
            let first = await group.next() ?? nil
            release.open()
            return [first, await group.next() ?? nil]
        }
        #expect(codes == [.alreadyReading, nil])
    }

    @Test("cancelling ends a reader whose content has arrived but is not decoded") func cancelled() async throws {
        let server = try contentServer("Content-Encoding: gzip\r\n", try bomb(mebibytes: 128))
        let response = try await Client(.get, server.url).send()
        try await Task.sleep(for: .milliseconds(200))
        let reading = Task {
            var count = 0
            do {
                for try await chunk in response.body {
                    count += chunk.count
                    if count == 1 << 20 { withUnsafeCurrentTask { $0?.cancel() } }
                }
                return (count, ClientError.Code?.none)
            } catch { return (count, (error as? ClientError)?.code) }
        }
        let (count, code) = await reading.value
        #expect(count == 1 << 20 && code == .cancelled)
    }

    #if os(Linux)
    @Test("a bomb needs only a chunk of memory, with a slow reader and with a limit") func memory() async throws {
        await #expect(processExitsWith: .success) {
            let data = try bomb(mebibytes: 512)
            let server = try contentServer("Content-Encoding: gzip\r\n", data)
            let client = try Client(.get, server.url)
            // Makes all one-time allocations.
            _ = await #expect(throws: ClientError.self) { try await client.send().bytes(limit: 1 << 20) }
            let before = try resetPeakMemory()
            let response = try await client.send()
            try await Task.sleep(for: .milliseconds(300))
            var count = 0
            for try await chunk in response.body {
                try #require(chunk.count <= 64 << 10)
                if count < 1 << 20 { try await Task.sleep(for: .milliseconds(10)) }
                count += chunk.count
            }
            #expect(count == 512 << 20)
            var growth = try processStatus("VmHWM") - before
            #expect(growth < 4 << 10, "grew by \(growth) KiB")
            await expectError(.responseTooLarge) { try await client.send().bytes(limit: 4 << 20) }
            // The 4 MiB, in an array that grows by doubling.
            growth = try processStatus("VmHWM") - before
            #expect(growth < 16 << 10, "grew by \(growth) KiB")
        }
    }
    #endif
}
