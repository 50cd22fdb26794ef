#if os(Linux)
import Foundation
import TestSupport
import Testing

@Suite("File systems that lack something", .timeLimit(.minutes(3)))
struct FileSystemTests {
    private static let files: [(filename: String, content: [UInt8])] = [("a", [1]), ("b", [2]), ("a", [3])]

    /// Uploads a file, which the second time replaces the first one, and a form, twice.
    private func upload(to server: ServerProcess, _ path: String) async throws {
        let form = RunningServer.document(Self.files)
        for (content, status) in [(5, 201), (6, 200)] as [(UInt8, Int)] {
            let file = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
            #expect(try await server.response(to: file, [content]).status == status)
            #expect(try await server.response(to: RunningServer.head(length: form.count), form).status == 201)
        }
        let contents = try FileManager.default.contentsOfDirectory(atPath: path).map { name in
            "\(name): \(FileManager.default.contents(atPath: path + "/" + name)?.first ?? 9)"
        }
        let expected = ["a (1): 1", "a (2): 3", "a (3): 1", "a (4): 3", "a: 6", "b (1): 2", "b: 2"]
        #expect(contents.sorted() == expected)
    }

    @Test(
        "without hard links, or without renaming exclusively, files are stored",
        .enabled(if: SystemCallTrace.obstacle == nil, "SKIPPED: there is no strace"),
        arguments: ["linkat:error=EPERM", "renameat2:error=EINVAL"])
    func oneOfTwo(fault: String) async throws {
        let trace = try SystemCallTrace(injecting: [fault])
        let server = try await ServerProcess.start(through: trace.command)
        defer { server.process.terminate(SIGKILL) }
        try await upload(to: server, server.directory.path)
    }

    @Test(
        "without both, the server does not start and says why",
        .enabled(if: SystemCallTrace.obstacle == nil, "SKIPPED: there is no strace"))
    func neither() async throws {
        let directory = try TemporaryDirectory()
        let trace = try SystemCallTrace(injecting: ["linkat:error=EPERM", "renameat2:error=EINVAL"])
        let arguments = [
            "-c", trace.command, "sh", Subprocess.product("server"), "--port", "0", "--dir", directory.path,
        ]
        let result = try await Subprocess.run("sh", arguments, deadline: .seconds(30))
        #expect(result.status == 1)
        #expect(
            result.errorOutput.contains("Error: cannot rename files without replacing others, or make"),
            "\(result.errorOutput)")
        #expect(try directory.contents().isEmpty)
    }

    @Test(
        "a file system that cannot sync needs --durability relaxed",
        .enabled(if: SystemCallTrace.obstacle == nil, "SKIPPED: there is no strace"))
    func noSync() async throws {
        let directory = try TemporaryDirectory()
        let trace = try SystemCallTrace(injecting: ["fsync:error=EINVAL"])
        let arguments = [
            "-c", trace.command, "sh", Subprocess.product("server"), "--port", "0", "--dir", directory.path,
        ]
        let result = try await Subprocess.run("sh", arguments, deadline: .seconds(30))
        #expect(result.status == 1)
        #expect(result.errorOutput.contains("see --durability"))
        let server = try await ServerProcess.start(["--durability", "relaxed"], through: trace.command)
        defer { server.process.terminate(SIGKILL) }
        try await upload(to: server, server.directory.path)
    }

    @Test(
        "FAT, which has no hard links and no unnamed files", .enabled(if: geteuid() == 0, "SKIPPED: only for root"))
    func fat() async throws {
        let outer = try TemporaryDirectory()
        guard let mkfs = Daemon.find("mkfs.vfat") else { try Test.cancel("SKIPPED: there is no mkfs.vfat") }
        try outer.write([], to: "image")
        truncate(outer.path("image"), 32 << 20)
        try FileManager.default.createDirectory(atPath: outer.path("disk"), withIntermediateDirectories: false)
        #expect(try await Subprocess.run(mkfs, [outer.path("image")]).status == 0)
        let mount = try await Subprocess.run("mount", ["-o", "loop", outer.path("image"), outer.path("disk")])
        guard mount.status == 0 else { try Test.cancel("SKIPPED: \(mount.errorOutput)") }
        do {
            let server = try await ServerProcess.start(["--dir", outer.path("disk")])
            defer { server.process.terminate(SIGKILL) }
            try await upload(to: server, outer.path("disk"))
        } catch {
            _ = try await Subprocess.run("umount", ["-l", outer.path("disk")])
            throw error
        }
        _ = try await Subprocess.run("umount", ["-l", outer.path("disk")])
    }
}
#endif
