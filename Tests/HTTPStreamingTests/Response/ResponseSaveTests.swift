import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Response saving", .timeLimit(.minutes(2)))
struct ResponseSaveTests {
    private let content = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 16) }

    @Test("the decoded content is in the file, and its length is returned") func saved() async throws {
        let directory = try TemporaryDirectory()
        for (sent, fields) in [
            (content, ""), (try Coding.gzip.encode(content), "Content-Encoding: gzip\r\n"), ([], ""),
            (try Coding.deflate.encode([]), "Content-Encoding: deflate\r\n"),
        ] {
            let server = try contentServer(fields, sent)
            let expected = sent.count < 100 ? [] : content
            let count = try await Client(.get, server.url).send().save(to: directory.path("file"))
            #expect(count == expected.count)
            #expect(try Array(directory.read("file")) == expected)
        }
        #expect(try directory.contents() == ["file"])
    }

    @Test("an existing file is replaced only when everything has arrived") func replaced() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("old".utf8, to: "file")
        let gate = Gate()
        let server = try contentServer("", content, gate: gate)
        let saving = Task { try await Client(.get, server.url).send().save(to: path) }
        try await Task.sleep(for: .milliseconds(200))
        #expect(try directory.read("file") == Data("old".utf8))
        #if os(Linux)
        #expect(try directory.contents() == ["file"])
        #endif
        gate.open()
        #expect(try await saving.value == Int64(content.count))
        #expect(try Array(directory.read("file")) == content)
        #expect(try directory.contents() == ["file"])
    }

    @Test("a path that cannot be written is an error that names it, before anything is read")
    func unwritable() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("old".utf8, to: "file")
        try FileManager.default.createDirectory(atPath: directory.path("closed"), withIntermediateDirectories: false)
        chmod(directory.path("closed"), 0o555)
        mkfifo(directory.path("pipe"), 0o600)
        let server = try contentServer("", content)
        let client = try Client(.get, server.url)
        var paths = [
            (directory.path("missing/file"), ENOENT), (directory.path("file/below"), ENOTDIR),
            (directory.path, EISDIR), (directory.path("pipe"), ENOTSUP), ("", ENOENT),
        ]
        if geteuid() != 0 { paths.append((directory.path("closed/file"), EACCES)) }
        for (path, code) in paths {
            let response = try await client.send()
            let error = await expectError(.destinationUnwritable) { try await response.save(to: path) }
            #expect(error?.underlying as? SystemError == SystemError(code: code), "\(path)")
            #expect(error?.description.hasPrefix("\(path): ") == true)
            // The content can still be read.
            #expect(try await response.bytes() == content)
        }
        #expect(try directory.contents() == ["closed", "file", "pipe"])
        #expect(try directory.read("file") == Data("old".utf8))
        #expect(server.accepted == 1)
    }

    @Test("truncated or corrupt content leaves no file", arguments: 0..<3) func faults(fault: Int) async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("old".utf8, to: "file")
        let data = try Coding.gzip.encode(content)
        let server = try FaultServer { connection in
            _ = try connection.readHead()
            let length = fault == 1 ? data.count - 9 : data.count
            try connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(length)\r\n\r\n")
            var sent = data.dropLast(fault == 2 ? 0 : 9)
            if fault == 2 { sent[data.count - 1] ^= 1 }
            try connection.send(Array(sent))
        }
        let response = try await Client(.get, server.url).send()
        let error = await #expect(throws: ClientError.self) { try await response.save(to: path) }
        #expect(error?.code == (fault == 0 ? .connectionLost : .invalidContent))
        #expect(try directory.contents() == ["file"])
        #expect(try directory.read("file") == Data("old".utf8))
    }

    @Test("cancelling leaves no file and ends the transfer") func cancelled() async throws {
        let directory = try TemporaryDirectory()
        let isClosed = Gate()
        let server = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.respondPartly(200, length: 1_000_000, sent: 500_000)
            if connection.isClosedByPeer() { isClosed.open() }
        }
        let response = try await Client(.get, server.url).send()
        let saving = Task { try await response.save(to: directory.path("file")) }
        try await Task.sleep(for: .milliseconds(200))
        saving.cancel()
        await expectError(.cancelled) { try await saving.value }
        #expect(try directory.contents() == [])
        #expect(await isClosed.opened() && server.errors == [])
    }

    @Test("the caller's executor does not write") func executor() async throws {
        let directory = try TemporaryDirectory()
        let isWaiting = Gate()
        let server = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            isWaiting.wait()
            for _ in 0..<100 {
                try connection.send([UInt8](repeating: 1, count: 1000))
                usleep(2000)
            }
        }
        let response = try await Client(.get, server.url).send()
        let executor = CountingExecutor()
        let saving = Task(executorPreference: executor) { try await response.save(to: directory.path("file")) }
        #expect(try await eventually { executor.jobs.value > 0 })
        try await Task.sleep(for: .milliseconds(100))
        isWaiting.open()
        #expect(try await saving.value == 100_000)
        // At the start and at the end, not with every chunk.
        #expect(executor.jobs.value < 10)
    }

    @Test("blocking work stays off the shared threads") func blocking() async throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let (started, release) = (Shared(0), Gate())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<(4 * cores) {
                group.addTask {
                    await withTaskExecutorPreference(BlockingExecutor.shared) {
                        started.update { $0 += 1 }
                        release.wait()
                    }
                }
            }
            // If they blocked the shared threads, this task would not run.
            for _ in 0..<1000 where started.value < 4 * cores { try? await Task.sleep(for: .milliseconds(10)) }
            #expect(started.value == 4 * cores)
            release.open()
        }
    }

    #if os(Linux)
    @Test("a saved response is synced, and its folder, unless durability is relaxed") func durability() async throws {
        guard Subprocess.find("strace") != nil else {
            print("ResponseSaveTests.durability: SKIPPED: no strace")
            try Test.cancel("skipped: no strace")
        }
        await #expect(processExitsWith: .success) {
            let server = try contentServer("", [1, 2, 3])
            let directory = try TemporaryDirectory()
            let client = try Client(.get, server.url)
            let log = directory.path("log")
            let tracer = try Subprocess(
                "strace", ["-f", "-y", "-o", log, "-e", "trace=fdatasync,fsync,renameat", "-p", "\(getpid())"])
            defer { tracer.terminate(SIGKILL) }
            try #require(try await eventually { tracer.errorOutputSoFar.contains("attached") })
            try await client.send().save(to: directory.path("full"), durability: .full)
            try await client.send().save(to: directory.path("default"))
            try await client.send().save(to: directory.path("relaxed"), durability: .relaxed)
            let calls = { @Sendable () throws -> [Substring] in
                let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
                return lines.compactMap { $0.firstMatch(of: /(fdatasync|fsync|renameat)\(/)?.1 }
            }
            let saved: [Substring] = ["fdatasync", "renameat", "fsync"]
            // strace writes a call when it has ended; the last one is that of the third file.
            _ = try await eventually { try calls().count { $0 == "renameat" } == 3 }
            #expect(try calls() == saved + saved + ["renameat"])
        }
    }

    @Test("saving leaves no thread or descriptor, whether or not it succeeds") func leaks() async throws {
        await #expect(processExitsWith: .success) {
            let content = [UInt8](repeating: 7, count: 300_000)
            let server = try contentServer("", content)
            let directory = try TemporaryDirectory()
            let client = try Client(.get, server.url)
            // Starts all threads that stay.
            await withTaskGroup(of: Void.self) { group in for _ in 0..<100 { group.addTask { usleep(1000) } } }
            _ = try await client.send().bytes()
            let threads = try processStatus("Threads")
            for index in 0..<50 {
                let response = try await client.send()
                switch index % 3 {
                case 0: try await response.save(to: directory.path("file"))
                case 1:
                    await #expect(throws: ClientError.self) { try await response.save(to: directory.path("no/file")) }
                    _ = try await response.bytes()
                default:
                    let saving = Task { try await response.save(to: directory.path("cancelled")) }
                    saving.cancel()
                    _ = try? await saving.value
                }
            }
            _ = try await client.send().bytes()
            // Dispatch keeps an idle thread for some seconds.
            #expect(try processStatus("Threads") <= threads + 2)
            for _ in 0..<300 where try processStatus("Threads") > threads {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try processStatus("Threads") <= threads)
            let folder = directory.path
            #expect(try openDescriptors { $0.hasPrefix(folder) } == 0)
        }
    }

    @Test("256 MiB are saved in constant memory, plain and coded") func memory() async throws {
        await #expect(processExitsWith: .success) {
            let pattern = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 16) }
            // A gzip stream may have many members.
            let member = try Coding.gzip.encode(pattern)
            let count = (256 << 20) / pattern.count
            let server = try FaultServer { connection in
                while let head = try connection.readHead() {
                    let isCoded = head["accept-encoding"]?.contains("gzip") == true
                    let piece = isCoded ? member : pattern
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(count * piece.count)\r\n")
                    try connection.send(isCoded ? "Content-Encoding: gzip\r\n\r\n" : "\r\n")
                    for _ in 0..<count { try connection.send(piece) }
                }
            }
            let directory = try TemporaryDirectory()
            let path = directory.path("file")
            for coding in ["gzip", "identity"] {
                let client = try Client(.get, server.url) {
                    if coding != "gzip" { $0.headerFields = ["Accept-Encoding": coding] }
                }
                let response = try await client.send()
                #expect(response.headerFields["content-encoding"] == (coding == "gzip" ? "gzip" : nil))
                let before = try resetPeakMemory()
                #expect(try await response.save(to: path) == Int64(count * pattern.count))
                let growth = try processStatus("VmHWM") - before
                #expect(growth < 8 << 10, "grew by \(growth) KiB")
                let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                for _ in 0..<count { try #require(try file.read(upToCount: pattern.count) == Data(pattern)) }
                #expect(try file.read(upToCount: 1) ?? Data() == Data())
            }
        }
    }

    @Test("a file over the process's size limit is an error, not a signal, and leaves nothing")
    func fileSizeLimit() async throws {
        await #expect(processExitsWith: .success) {
            let server = try FaultServer { connection in
                _ = try connection.readHead()
                try connection.send("HTTP/1.1 200 OK\r\n\r\n")
                for _ in 0..<32 { try connection.send([UInt8](repeating: 1, count: 65_536)) }
            }
            let directory = try TemporaryDirectory()
            let response = try await Client(.get, server.url).send()
            var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let error = await expectError(.destinationUnwritable) {
                try await response.save(to: directory.path("file"))
            }
            #expect(error?.underlying as? SystemError == SystemError(code: EFBIG))
            #expect(try directory.contents() == [])
        }
    }
    #endif
}
