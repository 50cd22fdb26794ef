import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Uploads from pipes, sockets, terminals and devices.
@Suite("Part.descriptor", .serialized, .timeLimit(.minutes(2)))
struct PartDescriptorTests {
    let recorder = Recorder()
    let server: FaultServer
    let client: Client

    init() throws {
        server = try FaultServer(recorder.serve)
        client = try Client(.post, server.url)
    }

    /// The only part of the only request.
    private func received() throws -> (head: RequestHead, part: ReceivedPart) {
        #expect(recorder.count == 1)
        let request = recorder.request(0)
        let parts = try receivedParts(of: request)
        #expect(parts.count == 1)
        return (request.head, try #require(parts.first))
    }

    @Test("a pipe with a slow writer arrives whole, chunked", arguments: 0..<6) func pipe(number: Int) async throws {
        print("seed \(SeededGenerator.seed)")
        let pipe = try OpenPipe()
        let content = bottles([1, 65_536, 300_000, 1_000_000, 3_000_000, 5_000_000][number])
        pipe.writeInBursts(content, case: number)
        let isCoded = number % 2 == 1
        let client = try Client(.post, server.url) { if isCoded { $0.contentCoding = .gzip() } }
        #expect(try await client.send(Part("file", .descriptor(pipe.reader), filename: "log.txt")).status == 201)
        let (head, part) = try received()
        #expect(head["transfer-encoding"] == "chunked" && head["content-length"] == nil)
        #expect(head["content-encoding"] == (isCoded ? "gzip" : nil))
        #expect(part.content == content)
        #expect(part.name == "file" && part.filename == "log.txt" && part.contentType == "text/plain")
    }

    @Test("a length gives an exact Content-Length; bytes after it stay in the pipe") func length() async throws {
        let pipe = try OpenPipe()
        pipe.write(Array("0123456789".utf8))
        _ = try await client.send(Part("file", .descriptor(pipe.reader, length: 4)))
        let (head, part) = try received()
        #expect(head["transfer-encoding"] == nil)
        #expect(head["content-length"] == "\(recorder.request(0).body.count)")
        #expect(part.content == Array("0123".utf8))
        // The next part continues from there.
        _ = try await client.send(
            Part("file", .descriptor(pipe.reader, length: 3)), Part("file", .descriptor(pipe.reader, length: 2)))
        let parts = try receivedParts(of: recorder.request(1))
        #expect(parts.map(\.content) == [Array("456".utf8), Array("78".utf8)])
        #expect(pipe.rest() == Array("9".utf8))
    }

    @Test("an empty pipe is an empty part, with and without a length") func empty() async throws {
        let pipe = try OpenPipe()
        _ = try await client.send(Part("file", .descriptor(pipe.reader, length: 0)))
        #expect(try received().part.content.isEmpty)
        pipe.finish()
        _ = try await client.send(Part("file", .descriptor(pipe.reader)))
        #expect(try receivedParts(of: recorder.request(1)).map(\.content) == [[]])
    }

    @Test("a pipe that ends before its length is an error that names it; no complete document arrives")
    func endsEarly() async throws {
        let (server, received, isOver) = try swallowingServer()
        let pipe = try OpenPipe()
        let content = bottles(100_000)
        let client = try Client(.post, server.url)
        let sending = Task {
            try await client.send(Part("file", .descriptor(pipe.reader, length: 100_001), filename: "backup.tar"))
        }
        pipe.write(content[..<50_000])
        #expect(try await eventually { received.value.count > 1000 })
        pipe.write(content[50_000...])
        pipe.finish()
        let error = await expectError(.sourceChanged) { try await sending.value }
        #expect(error?.message == "backup.tar: the source ended after 100000 of 100001 bytes")
        #expect(await isOver.opened())
        #expect(!String(decoding: received.value.suffix(100), as: UTF8.self).contains("--\r\n"))
    }

    @Test("sockets, named pipes and devices can be sent") func kinds() async throws {
        let directory = try TemporaryDirectory()
        var sockets: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        let fifo = directory.path("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        let fifoReader = open(fifo, O_RDONLY | O_NONBLOCK)
        let content = bottles(400_000)
        for (number, ends) in [(sockets[0], sockets[1]), (fifoReader, open(fifo, O_WRONLY))].enumerated() {
            let pipe = try OpenPipe(ends: ends)
            pipe.writeInBursts(content, case: number)
            _ = try await client.send(Part("file", .descriptor(pipe.reader)))
            let parts = try receivedParts(of: recorder.request(number))
            #expect(parts.map(\.content) == [content])
        }
        let null = open("/dev/null", O_RDONLY)
        let zero = open("/dev/zero", O_RDONLY)
        defer {
            close(null)
            close(zero)
        }
        _ = try await client.send(Part("file", .descriptor(null)), Part("file", .descriptor(zero, length: 3_000_000)))
        let parts = try receivedParts(of: recorder.request(2))
        #expect(parts.map(\.content) == [[], [UInt8](repeating: 0, count: 3_000_000)])
    }

    @Test("a terminal is sent line by line until end of file") func terminal() async throws {
        var (keyboard, terminal): (Int32, Int32) = (-1, -1)
        try #require(openpty(&keyboard, &terminal, nil, nil, nil) == 0)
        let pipe = try OpenPipe(ends: (terminal, keyboard))
        async let response = client.send(Part("file", .descriptor(pipe.reader)))
        for line in ["hello\n", "world\n", "\u{4}"] {
            try await Task.sleep(for: .milliseconds(20))
            pipe.write(Array(line.utf8))
        }
        #expect(try await response.status == 201)
        #expect(try received().part.content == Array("hello\nworld\n".utf8))
    }

    @Test("a regular file is sent from the descriptor's offset, which stays; it can be sent again")
    func regularFile() async throws {
        let directory = try TemporaryDirectory()
        let file = open(try directory.write(bottles(100_000), to: "f"), O_RDONLY)
        defer { close(file) }
        #expect(lseek(file, 10_000, SEEK_SET) == 10_000)
        let part = Part("file", .descriptor(file))
        _ = try await client.send(part, part, Part("file", .descriptor(file, length: 5)))
        let request = recorder.request(0)
        #expect(request.head["content-length"] == "\(request.body.count)")
        let rest = Array(bottles(100_000)[10_000...])
        #expect(try receivedParts(of: request).map(\.content) == [rest, rest, Array(rest.prefix(5))])
        #expect(lseek(file, 0, SEEK_CUR) == 10_000)
        for length in [90_001, Int64.max] {
            let error = await expectError(.sourceUnreadable) {
                try await client.send(Part("file", .descriptor(file, length: length), filename: "f.txt"))
            }
            #expect(error?.description == "f.txt: has 90000 bytes, fewer than the length \(length)")
        }
        // After its end the file is empty.
        #expect(lseek(file, 200_000, SEEK_SET) == 200_000)
        _ = try await client.send(Part("file", .descriptor(file)))
        #expect(try receivedParts(of: recorder.request(1)).map(\.content) == [[]])
    }

    @Test("a regular file that changes while it is sent is an error; no complete document arrives")
    func regularFileChanges() async throws {
        let gate = Gate()
        let server = try stallingServer(until: gate)
        let directory = try TemporaryDirectory()
        let path = try directory.write([UInt8](repeating: 1, count: 16 << 20), to: "f")
        let file = open(path, O_RDONLY)
        defer { close(file) }
        let client = try Client(.post, server.url)
        let task = Task { try await client.send(Part("file", .descriptor(file), filename: "f")) }
        try await Task.sleep(for: .milliseconds(200))
        #expect(truncate(path, (16 << 20) + 1) == 0)
        gate.open()
        let error = await expectError(.sourceChanged) { try await task.value }
        #expect(error?.message == "f: the file was changed while it was being sent")
    }

    @Test("an unreadable descriptor is refused before anything is sent; the error names it in one line")
    func unreadable() async throws {
        let directory = try TemporaryDirectory()
        let folder = open(directory.path, O_RDONLY)
        let writeOnly = open(try directory.write([1, 2], to: "f"), O_WRONLY)
        let pipe = try OpenPipe()
        var ends: [Int32] = [-1, -1]
        #expect(Foundation.pipe(&ends) == 0)
        defer { for descriptor in [folder, writeOnly] + ends { close(descriptor) } }
        let open = [folder, writeOnly, ends[1], pipe.reader]
        let before = try open.map { try openDescriptors(like: $0) }
        for (descriptor, length, text) in [
            (Int32(-1), Int64?.none, "it: Bad file descriptor"), (9999, nil, "it: Bad file descriptor"),
            (folder, nil, "it: Is a directory"), (writeOnly, nil, "it: the descriptor is open for writing only"),
            (ends[1], nil, "it: the descriptor is open for writing only"),
            (pipe.reader, -1, "it: the length is negative"),
        ] {
            let error = await #expect(throws: ClientError.self) {
                try await client.send(Part("file", .descriptor(descriptor, length: length), filename: "it"))
            }
            #expect(error?.description == text)
        }
        #expect(recorder.count == 0)
        #expect(try open.map { try openDescriptors(like: $0) } == before)
    }

    @Test("the caller may close the descriptor while the part is sent") func closedByCaller() async throws {
        var ends: [Int32] = [-1, -1]
        #expect(Foundation.pipe(&ends) == 0)
        let pipe = try OpenPipe(ends: (dup(ends[0]), ends[1]))
        pipe.write([1])
        let part = Part("file", .descriptor(ends[0]))
        let task = Task { try await client.sendUnclosed(part) }
        #expect(try await eventually { pipe.isDrained && server.accepted == 1 })
        close(ends[0])
        pipe.write([2, 3])
        pipe.finish()
        #expect(try await task.value)
        _ = try await client.close()
        #expect(try received().part.content == [1, 2, 3])
    }

    @Test("a part that can be read once is refused a second time: in one call, one open request or the next")
    func twice() async throws {
        let pipe = try OpenPipe()
        let part = Part("file", .descriptor(pipe.reader), filename: "in")
        let both = await expectError(.invalidPart) { try await client.send(part, part) }
        #expect(both?.description == "in: given twice, but the source can be read only once")
        pipe.write([1, 2])
        pipe.finish()
        #expect(try await client.sendUnclosed(part))
        let again = await expectError(.cannotSendAgain) { try await client.sendUnclosed(part) }
        #expect(again?.description == "in: the source can be read only once and has already been read")
        // The open request goes on.
        #expect(try await client.sendUnclosed(.field("a", "b")))
        _ = try await client.close()
        let parts = try receivedParts(of: recorder.request(0))
        #expect(parts.map(\.content) == [[1, 2], Array("b".utf8)])
        await expectError(.cannotSendAgain) { try await client.send(part) }
    }

    @Test("the largest lengths do not crash") func hugeLengths() async throws {
        let pipe = try OpenPipe(holding: [1])
        await expectError(.sourceChanged) {
            try await client.send(
                Part("file", .descriptor(pipe.reader, length: .max)),
                Part("file", .descriptor(pipe.reader, length: .max)))
        }
        let other = try OpenPipe()
        other.finish()
        await expectError(.sourceChanged) {
            try await client.send(Part("file", .descriptor(other.reader, length: .max - 1000)).gzipped())
        }
    }
}
