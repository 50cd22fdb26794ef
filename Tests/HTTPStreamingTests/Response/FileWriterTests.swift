import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("FileWriter", .timeLimit(.minutes(3)))
struct FileWriterTests {
    /// Both ways: a file without a name, where there are such, and one with a hidden name.
    private static let ways = [true, false]

    private func contents(_ directory: TemporaryDirectory, _ name: String) throws -> [UInt8] {
        Array(try directory.read(name))
    }

    @Test("a file has its name only after it is published", arguments: ways) func publish(mayBeUnnamed: Bool) throws {
        let directory = try TemporaryDirectory()
        var file = try FileWriter(replacing: Path(directory.path("new")), mayBeUnnamed: mayBeUnnamed)
        try file.append([1, 2])
        try file.append([])
        try file.append([3])
        let visible = try directory.contents()
        #expect(visible.allSatisfy { $0.hasPrefix(".saving-") })
        #if os(Linux)
        if mayBeUnnamed { #expect(visible == []) }
        #endif
        try file.publish()
        #expect(try directory.contents() == ["new"])
        #expect(try contents(directory, "new") == [1, 2, 3])
    }

    @Test("publishing replaces an existing file atomically", arguments: ways) func replace(mayBeUnnamed: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([9, 9, 9, 9], to: "old")
        // Whoever has the old one open keeps it.
        let reader = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        var file = try FileWriter(replacing: Path(path), mayBeUnnamed: mayBeUnnamed)
        try file.append([1])
        #expect(try contents(directory, "old") == [9, 9, 9, 9])
        try file.publish()
        #expect(try contents(directory, "old") == [1])
        #expect(try directory.contents() == ["old"])
        #expect(try reader.readToEnd() == Data([9, 9, 9, 9]))
    }

    @Test("a writer released before publishing leaves nothing", arguments: ways)
    func abandoned(mayBeUnnamed: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([9], to: "old")
        for _ in 0..<3 {
            var file = try FileWriter(replacing: Path(path), mayBeUnnamed: mayBeUnnamed)
            try file.append([1])
        }
        #expect(try directory.contents() == ["old"])
        #expect(try contents(directory, "old") == [9])
    }

    @Test("a folder of that name is an error that leaves nothing", arguments: ways)
    func cannotPublish(mayBeUnnamed: Bool) throws {
        let directory = try TemporaryDirectory()
        do {
            var file = try FileWriter(replacing: Path(directory.path("new")), mayBeUnnamed: mayBeUnnamed)
            try FileManager.default.createDirectory(atPath: directory.path("new"), withIntermediateDirectories: false)
            let error = #expect(throws: SystemError.self) { try file.publish() }
            #expect(error?.code == EISDIR)
        }
        #expect(try directory.contents() == ["new"])
    }

    @Test("the parent folder may be renamed meanwhile", arguments: ways) func renamedFolder(mayBeUnnamed: Bool) throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path("a"), withIntermediateDirectories: false)
        var file = try FileWriter(replacing: Path(directory.path("a/file")), mayBeUnnamed: mayBeUnnamed)
        try FileManager.default.moveItem(atPath: directory.path("a"), toPath: directory.path("b"))
        try file.append([1])
        try file.publish()
        #expect(try contents(directory, "b/file") == [1])
    }

    @Test("permissions are those of any new file", arguments: ways) func permissions(mayBeUnnamed: Bool) throws {
        let directory = try TemporaryDirectory()
        #expect(FileManager.default.createFile(atPath: directory.path("other"), contents: nil))
        let other = open(directory.path("other2"), O_CREAT | O_WRONLY, 0o666)
        close(other)
        var file = try FileWriter(replacing: Path(directory.path("new")), mayBeUnnamed: mayBeUnnamed)
        try file.publish()
        let modes = try ["other2", "new"].map {
            try FileManager.default.attributesOfItem(atPath: directory.path($0))[.posixPermissions] as? Int
        }
        #expect(modes[0] != nil && modes[0] == modes[1])
    }

    @Test("a link is replaced, not followed; anything but a file is left unchanged") func links() throws {
        let directory = try TemporaryDirectory()
        try directory.write([9], to: "file")
        for (name, target) in [("link", "file"), ("dangling", "nothing")] {
            try FileManager.default.createSymbolicLink(atPath: directory.path(name), withDestinationPath: target)
            var file = try FileWriter(replacing: Path(directory.path(name)))
            try file.append([1])
            try file.publish()
            #expect(try contents(directory, name) == [1])
        }
        #expect(try contents(directory, "file") == [9])
        #expect(try directory.contents() == ["dangling", "file", "link"])

        mkfifo(directory.path("pipe"), 0o600)
        try FileManager.default.createDirectory(atPath: directory.path("folder"), withIntermediateDirectories: false)
        // No device: where this fails, the test would replace it.
        try FileManager.default.createSymbolicLink(atPath: directory.path("to-pipe"), withDestinationPath: "pipe")
        let refused = [
            (directory.path("pipe"), ENOTSUP), (directory.path("to-pipe"), ENOTSUP),
            (directory.path("folder"), EISDIR), (directory.path("folder/"), EISDIR),
            (directory.path("folder/."), EISDIR),
            (directory.path("new/"), ENOENT), (directory.path("missing/new"), ENOENT), ("", ENOENT),
            (directory.path("file/new"), ENOTDIR), (directory.path("a\0b"), EINVAL),
            (directory.path(String(repeating: "n", count: 300)), ENAMETOOLONG),
        ]
        for (path, code) in refused {
            let error = #expect(throws: SystemError.self, "\(path)") { _ = try FileWriter(replacing: Path(path)) }
            #expect(error?.code == code, "\(path)")
        }
        #expect(try directory.contents() == ["dangling", "file", "folder", "link", "pipe", "to-pipe"])
    }

    #if os(Linux)
    @Test("a bare name is a file in the working directory") func relative() async throws {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            #expect(chdir(directory.path) == 0)
            var file = try FileWriter(replacing: "name")
            #expect(chdir("/") == 0)
            try file.append([7])
            try file.publish()
            #expect(try directory.contents() == ["name"])
        }
    }

    @Test(
        "the content is on the disk before the file has its path, and the folder afterwards", arguments: ways,
        [Durability.full, .relaxed])
    func durable(mayBeUnnamed: Bool, durability: Durability) async throws {
        guard Subprocess.find("strace") != nil else {
            print("FileWriterTests.durable: SKIPPED: no strace")
            try Test.cancel("skipped: no strace")
        }
        let directory = try TemporaryDirectory()
        let log = directory.path("log")
        try directory.write([9], to: "new")
        let isTraced = try await RawConnection.onThread {
            let thread = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
            let identifier = try #require(thread.split(separator: "/").last)
            let calls = "trace=write,fdatasync,fsync,renameat,close"
            let strace = try Subprocess("strace", ["-qq", "-o", log, "-e", calls, "-p", String(identifier)])
            defer { strace.terminate() }
            let isTraced = {
                try !String(contentsOfFile: "/proc/\(thread)/status", encoding: .utf8).contains("TracerPid:\t0\n")
            }
            for _ in 0..<500 {
                if try isTraced() { break }
                usleep(10_000)
            }
            guard try isTraced() else { return false }
            var file = try FileWriter(
                replacing: Path(directory.path("new")), durability: durability, mayBeUnnamed: mayBeUnnamed)
            try file.append([1, 2, 3])
            try file.publish()
            return true
        }
        guard isTraced else {
            print("FileWriterTests.durable: SKIPPED: strace cannot attach")
            try Test.cancel("skipped: strace cannot attach")
        }
        _ = try await eventually { try String(contentsOfFile: log, encoding: .utf8).contains("renameat(") }
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        let calls = lines.map { $0.prefix { $0 != "(" } }
        let write = try #require(lines.firstIndex { $0.contains("\"\\1\\2\\3\"") })
        let expected = ["write", "fdatasync", "close", "renameat", "fsync", "close"]
        #expect(
            Array(calls[write...].prefix(6)).map(String.init)
                == (durability == .full ? expected : expected.filter { !$0.hasSuffix("sync") }), "\(lines)")
        #expect(try contents(directory, "new") == [1, 2, 3])
    }

    @Test("a full disk is an error that leaves nothing", arguments: ways)
    func fullDisk(mayBeUnnamed: Bool) async throws {
        guard let directory = try TemporaryDirectory(size: "64k") else { try Test.cancel("no file system") }
        do {
            var file = try FileWriter(replacing: Path(directory.path("new")), mayBeUnnamed: mayBeUnnamed)
            let error = #expect(throws: SystemError.self) {
                for _ in 0..<10 { try file.append([UInt8](repeating: 1, count: 10_000)) }
            }
            #expect(error?.code == ENOSPC)
        }
        #expect(try directory.contents() == [])
        #expect(try await Subprocess.run("umount", [directory.path]).status == 0)
    }
    #endif
}
