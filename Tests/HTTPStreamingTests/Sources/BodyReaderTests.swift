import Foundation
import Multipart
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("BodyReader", .timeLimit(.minutes(2)))
struct BodyReaderTests {
    let encoder = MultipartEncoder()

    private func read(_ body: inout BodyReader, buffer size: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0xAA, count: size)
        while true {
            let outcome = try buffer.withUnsafeMutableBytes { try readWaiting(&body, into: $0) }
            guard case .bytes(let count) = outcome else { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// What the message must be, put together without the reader.
    private func message(_ contents: [(Part, [UInt8])]) throws -> [UInt8] {
        try contents.reduce(into: []) { bytes, part in
            bytes += try encoder.opening(of: part.0.head) + part.1 + MultipartEncoder.partEnd
        } + encoder.messageEnd
    }

    private func sample(in directory: TemporaryDirectory) throws -> [(Part, [UInt8])] {
        let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let path = try directory.write(content, to: "größe 1.bin")
        let empty = try directory.write([], to: "empty")
        return [
            (.file(path), content), (.field("note", "äöü"), Array("äöü".utf8)), (.file(empty), []),
            (.bytes([1, 2, 3], filename: "x"), [1, 2, 3]), (.field("nothing", ""), []),
        ]
    }

    @Test(
        "the bytes and their exact length, whatever the size of the buffer",
        arguments: [1, 2, 3, 7, 64, 1000, 65536]
    )
    func everyBufferSize(size: Int) throws {
        let directory = try TemporaryDirectory()
        let parts = try sample(in: directory)
        let expected = try message(parts)
        var body = BodyReader(messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
        body.append(try prepared(parts.map(\.0), encoder), isLast: true)
        #expect(body.length == Int64(expected.count))
        #expect(try read(&body, buffer: size) == expected)
        #expect(body.offset == Int64(expected.count))
        #expect(body.isAtEnd)
        #expect(try read(&body, buffer: size) == [])
    }

    @Test("can be taken up at every offset")
    func everyOffset() throws {
        let directory = try TemporaryDirectory()
        let parts = try sample(in: directory)
        let expected = try message(parts)
        var body = BodyReader(messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
        body.append(try prepared(parts.map(\.0), encoder), isLast: true)
        for offset in 0...expected.count {
            let isFound = body.seek(to: Int64(offset))
            #expect(isFound)
            #expect(body.offset == Int64(offset))
            #expect(try read(&body, buffer: 512) == Array(expected[offset...]), "from \(offset)")
        }
        let isBeyond = body.seek(to: Int64(expected.count) + 1)
        #expect(!isBeyond)
    }

    @Test("parts that come one by one make the same message as parts given at once")
    func oneByOne() throws {
        let directory = try TemporaryDirectory()
        let parts = try sample(in: directory)
        let expected = try message(parts)
        var body = BodyReader(messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
        var bytes: [UInt8] = []
        for part in parts {
            body.append(try prepared([part.0], encoder), isLast: false)
            #expect(body.length == nil)
            bytes += try read(&body, buffer: 100)
            #expect(!body.isAtEnd)
        }
        body.append([], isLast: true)
        bytes += try read(&body, buffer: 100)
        #expect(bytes == expected)
        #expect(body.length == Int64(expected.count))
        let isRewound = body.seek(to: 0)
        #expect(isRewound)
        #expect(try read(&body, buffer: 100) == expected)
    }

    @Test("finished parts of an open request are let go beyond the budget")
    func replayBudget() throws {
        var body = BodyReader(messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
        let part = Part.bytes([UInt8](repeating: 7, count: 300_000))
        for _ in 0..<3 {
            body.append(try prepared([part], encoder), isLast: false)
            _ = try read(&body, buffer: 65536)
        }
        let kept = body.offset
        var isRewound = body.seek(to: 0)
        #expect(isRewound)
        isRewound = body.seek(to: kept)
        #expect(isRewound)
        for _ in 0..<4 {
            body.append(try prepared([part], encoder), isLast: false)
            _ = try read(&body, buffer: 65536)
        }
        isRewound = body.seek(to: 0)
        #expect(!isRewound)
        let before = body.offset
        body.append(try prepared([.field("last", "one")], encoder), isLast: true)
        let rest = try read(&body, buffer: 65536)
        #expect(body.length == before + Int64(rest.count))
    }

    @Test("parts are taken all or none")
    func allOrNone() throws {
        var body = BodyReader(messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
        body.append(try prepared([.field("a", "1")], encoder), isLast: false)
        #expect(throws: ClientError.self) {
            body.append(try prepared([.field("b", "2"), .file("/no/such/file")], encoder), isLast: true)
        }
        let bytes = try read(&body, buffer: 100)
        #expect(!bytes.contains("\"b\"".utf8))
        #expect(body.length == nil)
    }

    @Test("one descriptor at a time, and none behind the end")
    func descriptors() throws {
        let directory = try TemporaryDirectory()
        let parts = try (0..<50).map { Part.file(try directory.write([UInt8](repeating: 1, count: 5000), to: "\($0)")) }
        var body = BodyReader(messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
        let before = try openFiles(below: directory)
        body.append(try prepared(parts, encoder), isLast: true)
        #expect(try openFiles(below: directory) == before)
        var buffer = [UInt8](repeating: 0, count: 3000)
        var most = 0
        while case .bytes = try buffer.withUnsafeMutableBytes({ try readWaiting(&body, into: $0) }) {
            most = max(most, try openFiles(below: directory))
        }
        #expect(most == before + 1)
        #expect(try openFiles(below: directory) == before)
    }

    /// This process's descriptors for files of this directory.
    private func openFiles(below directory: TemporaryDirectory) throws -> Int {
        let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        return links.filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?
                .hasPrefix(directory.path) ?? false
        }.count
    }

    @Test("a file that shrinks, grows, is touched or replaced is an error that names it")
    func changes() throws {
        let directory = try TemporaryDirectory()
        let changes: [(String, (String) throws -> Void)] = [
            ("shrinks", { truncate($0, 1000) }),
            ("grows", { truncate($0, 5000) }),
            ("is rewritten", { try Data(repeating: 9, count: 4000).write(to: URL(fileURLWithPath: $0)) }),
        ]
        for (name, change) in changes {
            let path = try directory.write([UInt8](repeating: 1, count: 4000), to: "changing")
            for hasBegun in [true, false] {
                var body = BodyReader(
                    messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
                body.append(try prepared([.file(path)], encoder), isLast: true)
                var buffer = [UInt8](repeating: 0, count: 2000)
                if hasBegun { _ = try buffer.withUnsafeMutableBytes { try body.read(into: $0) } }
                // A change within the file system's granularity of time could go unseen.
                usleep(20_000)
                try change(path)
                let error = #expect(throws: ClientError.self, "\(name)") { try self.read(&body, buffer: 500) }
                // Written over in place or replaced, the name stays; what was opened may not.
                #expect(error?.code == .sourceChanged, "\(name), \(hasBegun)")
                #expect(error?.message.contains(path) == true)
                _ = try directory.write([UInt8](repeating: 1, count: 4000), to: "changing")
            }
        }
    }

    @Test("what is no readable regular file is refused before anything is sent")
    func unreadable() throws {
        let directory = try TemporaryDirectory()
        let fifo = directory.path + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        for (path, text) in [
            (directory.path + "/missing", "No such file or directory"), (directory.path, "Is a directory"),
            (fifo, "not a regular file"), ("/dev/null", "not a regular file"),
        ] {
            var body = BodyReader(
                messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
            let error = #expect(throws: ClientError.self) {
                body.append(try prepared([.file(path)], encoder), isLast: true)
            }
            #expect(error?.code == .sourceUnreadable)
            #expect(error?.description == "\(path): \(text)")
        }
    }

    @Test("a content type that no header line can hold is refused")
    func invalidPart() throws {
        var body = BodyReader(messageEnd: encoder.messageEnd, context: BodyContext(priority: .medium, onContent: {}))
        let part = Part.bytes([], contentType: "text/plain\r\nX: y")
        let error = #expect(throws: ClientError.self) { body.append(try prepared([part], encoder), isLast: true) }
        #expect(error?.code == .invalidPart)
    }
}
