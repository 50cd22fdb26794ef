import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Paths of pipes and devices, and of files whose size is not the number of bytes that can be read.
@Suite("Part.file, special files", .serialized, .timeLimit(.minutes(3)))
struct PartFilePathTests {
    let recorder = Recorder()
    let server: FaultServer
    let client: Client
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        server = try FaultServer(recorder.serve)
        client = try Client(.post, server.url)
    }

    /// A named pipe, and its path.
    private func namedPipe(_ name: String = "fifo") throws -> String {
        let path = directory.path(name)
        try #require(mkfifo(path, 0o600) == 0)
        return path
    }

    @Test("a named pipe with a slow writer arrives whole, chunked, as a part and as a body", arguments: 0..<4)
    func namedPipe(number: Int) async throws {
        print("seed \(SeededGenerator.seed)")
        let path = try namedPipe("log.txt")
        let content = bottles([1, 65_537, 1_000_000, 3_000_000][number])
        let client = try Client(.put, server.url) { if number == 2 { $0.contentCoding = .gzip() } }
        let task = Task {
            guard number == 3 else { return try await client.send(.file(path)) }
            return try await client.send(Request(.put, server.url, content: .file(path)))
        }
        // The writer comes later than the reader.
        let writer = try await RawConnection.onThread { open(path, O_WRONLY) }
        let pipe = try OpenPipe(ends: (open("/dev/null", O_RDONLY), writer))
        pipe.writeInBursts(content, case: number)
        #expect(try await task.value.status == 201)
        let request = try #require(recorder.last)
        #expect(request.head["transfer-encoding"] == "chunked" && request.head["content-length"] == nil)
        guard number < 3 else { return #expect(request.body == content) }
        let part = try #require(try recorder.lastParts().first)
        #expect(part.content == content)
        #expect(part.filename == "log.txt" && part.contentType == "text/plain")
    }

    @Test("a pipe of the process, as of a shell's <(command), and devices can be sent by their paths")
    func devices() async throws {
        let pipe = try OpenPipe(holding: Array("from a command\n".utf8))
        _ = try await client.send(.file("/dev/fd/\(pipe.reader)"), .file("/dev/null"), .field("a", "b"))
        #expect(
            try recorder.lastParts().map(\.content)
                == [Array("from a command\n".utf8), [], Array("b".utf8)])
    }

    @Test("a named pipe without a writer delays no other client and leaves no descriptor when it is cancelled")
    func noWriter() async throws {
        // More than there are agents and threads for blocking calls.
        let paths = try (0..<20).map { try namedPipe("\($0)") }
        let tasks = try paths.map { path in
            let client = try Client(.post, server.url)
            return Task { try await client.send(.file(path)) }
        }
        let openPipes = { [directory] in try openDescriptors { $0.hasPrefix(directory.path + "/") } }
        #expect(try await eventually { try openPipes() == paths.count })
        for _ in 0..<4 {
            let other = try Client(.post, server.url)
            #expect(try await other.send(.file(#filePath)).status == 201)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await expectError(.cancelled, within: .seconds(30)) { try await task.value } }
        #expect(try await eventually { try openPipes() == 0 })
    }

    @Test("a named pipe can be read once only, and not by range") func once() async throws {
        let path = try namedPipe()
        let part = Part.file(path)
        let both = await expectError(.invalidPart) { try await client.send(part, part) }
        #expect(both?.description == "\(path): given twice, but the source can be read only once")
        let range = await expectError(.sourceUnreadable) { try await client.send(.file(path, range: 0..<1)) }
        #expect(range?.description == "\(path): not a regular file, so no range of it can be sent")
        let task = Task { try await client.send(part) }
        _ = try await RawConnection.onThread { close(open(path, O_WRONLY)) }
        #expect(try await task.value.status == 201)
        #expect(try recorder.lastParts().map(\.content) == [[]])
        await expectError(.cannotSendAgain) { try await client.send(part) }
    }

    #if os(Linux)
    @Test("a file whose size is given as 0 is sent as what can be read, with unknown length") func noSize() async throws
    {
        let path = "/proc/version"
        let content = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        try #require(content.count > 10)
        let empty = try directory.write([], to: "empty")
        // The second file is opened again before it is read.
        _ = try await client.send(.file(empty), .file(path), .file(path, range: 2..<7), .file(path).gzipped(level: 1))
        let parts = try recorder.lastParts()
        #expect(recorder.last?.head["transfer-encoding"] == "chunked")
        #expect(parts[..<3].map(\.content) == [[], content, Array(content[2..<7])])
        _ = try await client.send(Request(.put, server.url, content: .file(path)))
        #expect(recorder.last?.body == content)
        let file = open(path, O_RDONLY)
        defer { close(file) }
        #expect(lseek(file, 4, SEEK_SET) == 4)
        _ = try await client.send(Part("file", .descriptor(file)), Part("file", .descriptor(file, length: 3)))
        #expect(try recorder.lastParts().map(\.content) == [Array(content[4...]), Array(content[4..<7])])
        // A file that is empty has a length.
        _ = try await client.send(.file(empty))
        #expect(recorder.last?.head["transfer-encoding"] == nil)
        let range = await expectError(.sourceChanged) { try await client.send(.file(path, range: 0..<1_000_000)) }
        #expect(range?.message == "\(path): the file ended after \(content.count) of 1000000 bytes")
    }

    @Test("a file with fewer bytes than its size is an error that says so; read to its end, it can be sent")
    func tooFewBytes() async throws {
        let path = "/sys/class/net/lo/mtu"
        let content = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        for changes in [Content.FileChanges.unchanged, .prefix] {
            let error = await expectError(.sourceChanged) { try await client.send(.file(path, changes: changes)) }
            #expect(
                error?.message == "\(path): the file ended after \(content.count) of 4096 bytes: its file system gives "
                    + "its size as 4096 bytes, but no more can be read; it can be sent with changes: .asRead")
        }
        _ = try await client.send(.file(path, changes: .asRead), .field("a", "b"))
        #expect(try recorder.lastParts().map(\.content) == [content, Array("b".utf8)])
    }
    #endif
}
