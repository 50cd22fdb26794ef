import Foundation
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Kept paths", .timeLimit(.minutes(2)))
struct KeptPathsTests {
    private func with(
        _ kind: TemporaryFile.Kind = .unnamed, _ body: (RunningServer) async throws -> Void
    ) async throws {
        try await RunningServer.with(
            storage: { try DirectoryStorage(path: $0.path, kind: kind, keepsPaths: true) }, body)
    }

    /// The paths of all files, links and empty folders below the server's directory, sorted.
    private func tree(_ server: RunningServer) throws -> [String] {
        let all = try FileManager.default.subpathsOfDirectory(atPath: server.directory.path).sorted()
        return all.filter { path in !all.contains { $0.hasPrefix(path + "/") } }
    }

    @Test("a form keeps its folders, which are listed and sent", arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func form(kind: TemporaryFile.Kind) async throws {
        try await with(kind) { server in
            let files = [
                ("album/2023/a.jpg", [1]), ("album/2024/a.jpg", [2]), ("album/2024/a.jpg", [3]), ("b.jpg", [4]),
            ]
            .map { (filename: $0, content: $1.map(UInt8.init)) }
            let response = try await server.post(RunningServer.document(files))
            #expect(response.status == 201)
            let saved = ["album/2023/a.jpg", "album/2024/a.jpg", "album/2024/a (1).jpg", "b.jpg"]
            #expect(try Answer(response.body.utf8).parts?.map(\.savedAs) == saved)
            #expect(try tree(server) == saved.sorted())
            for (name, file) in zip(saved, files) {
                for path in [name.replacing(" ", with: "%20"), name.percentEncoded] {
                    #expect(try await server.get("/files/" + path).content == file.content)
                }
            }
            let list = String(decoding: try await server.get("/files").content, as: UTF8.self)
            for name in saved { #expect(list.contains("\"name\":\"\(name)\"")) }
        }
    }

    @Test("lists with folders come in pages, in the order of the bytes of the paths") func pages() async throws {
        try await with { server in
            let names = ["a.", "a b/c", "a-/d", "a/b/c", "a/b/d", "a/b-", "ab", "b/x", "z/y/x/w"]
            let form = RunningServer.document(names.map { (filename: $0, content: [1]) })
            #expect(try await server.post(form).status == 201)
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for limit in [1, 2, 3, 100] {
                var (path, found): (String?, [String]) = ("/files?limit=\(limit)", [])
                while let page = path {
                    let response = try await server.get(page)
                    let files = try #require(
                        try JSONSerialization.jsonObject(with: Data(response.content)) as? [[String: Any]])
                    found += files.compactMap { $0["name"] as? String }
                    path = response.fields["link"]?.split(separator: ">").first.map { String($0.dropFirst()) }
                }
                #expect(found == sorted)
            }
        }
    }

    @Test("a file can be put at a path, and replaced", arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func put(kind: TemporaryFile.Kind) async throws {
        try await with(kind) { server in
            for (content, status) in [([UInt8](repeating: 1, count: 9), 201), ([2], 200)] {
                let response = try await server.request("PUT", "/files/album/%C3%A9%202024/a.jpg", body: content)
                #expect(response.status == status)
                #expect(response.head.contains("Location: /files/album/%C3%A9%202024/a.jpg\r\n"))
                #expect(try Answer(response.body.utf8).parts?.first?.savedAs == "album/é 2024/a.jpg")
                #expect(try await server.get("/files/album/%C3%A9%202024/a.jpg").content == content)
            }
            let refused = try await server.request(
                "PUT", "/files/album/%C3%A9%202024/a.jpg", fields: ["If-None-Match: *"], body: [3])
            #expect(refused.status == 412)
            let other = try await server.request("PUT", "/files/new/x/a", fields: ["If-Match: *"], body: [3])
            #expect(other.status == 412)
            #expect(try tree(server) == ["album/é 2024/a.jpg"])
            #expect(try await server.request("PUT", "/a%2Fb", body: [4]).status == 201)
            #expect(try await server.request("PUT", "/", fields: ["x-filename: c%2Fd"], body: [5]).status == 201)
            #expect(try tree(server) == ["a/b", "album/é 2024/a.jpg", "c/d"])
        }
    }

    @Test(
        "every path stays below the directory",
        arguments: [
            ("../../etc/passwd", "etc/passwd"), ("/abs/x", "abs/x"), ("a/../b", "a/b"), ("a/./b", "a/b"),
            ("a//b", "a/b"),
            ("C:\\dir\\x.doc", "C:/dir/x.doc"), ("a\\..\\..\\b", "a/b"), ("a/b/", "a/b/unnamed"), ("..", "unnamed"),
            (".git/config", "_.git/config"), ("a/.ssh/.env", "a/_.ssh/_.env"), ("a/...", "a/_..."),
            (".http-streaming-x/0", "_.http-streaming-x/0"), ("a\u{1}/\u{7F}/b", "a/b"),
            (String(repeating: "é", count: 200) + "/b", String(repeating: "é", count: 127) + "/b"),
        ])
    func cleaning(filename: String, expected: String) async throws {
        let name = FileName(cleaning: filename, keepsFolders: true)
        #expect(name.path(name.numbered(0)) == expected)
        try await with { server in
            let response = try await server.post(
                RunningServer.document([(filename.replacing("\\", with: "\\\\"), [1])]))
            #expect(try Answer(response.body.utf8).parts?.first?.savedAs == expected, "\(response.body)")
            #expect(try tree(server) == [expected])
        }
    }

    @Test("a path with more than 32 folders is refused") func depth() async throws {
        try await with { server in
            for (count, status) in [(32, 201), (33, 400), (1000, 400)] {
                let path = String(repeating: "d/", count: count) + "f"
                let put = try await server.request("PUT", "/files/" + path, body: [1])
                #expect(put.status == status)
                let form = try await server.post(RunningServer.document([("x/y", [1]), (path, [1])]))
                #expect(form.status == status)
            }
            #expect(try tree(server).count == 3, "the refused forms have stored nothing")
            let deep = "/files/" + String(repeating: "d/", count: 32) + "f"
            #expect(try await server.get(deep).content == [1])
            // Components of 255 bytes each: longer than the 4 KiB of a path of the system.
            let long = String(repeating: String(repeating: "n", count: 255) + "/", count: 32) + "f"
            #expect(try await server.request("PUT", "/files/" + long, body: [2]).status == 201)
            #expect(try await server.get("/files/" + long).content == [2])
            #expect(String(decoding: try await server.get("/files").content, as: UTF8.self).contains(long))
        }
    }

    @Test("no link is followed: it has the name of a folder", arguments: ["PUT", "form"]) func links(way: String)
        async throws
    {
        let outside = try TemporaryDirectory()
        try outside.write([9], to: "secret")
        try await with { server in
            let manager = FileManager.default
            try manager.createDirectory(atPath: server.directory.path("album"), withIntermediateDirectories: false)
            for link in ["link", "album/link"] {
                try manager.createSymbolicLink(atPath: server.directory.path(link), withDestinationPath: outside.path)
                let status =
                    way == "PUT"
                    ? try await server.request("PUT", "/files/\(link)/new/a", body: [1]).status
                    : try await server.post(RunningServer.document([("other/b", [1]), ("\(link)/a", [1])])).status
                #expect(status == 409)
                #expect(try await server.get("/files/\(link)/secret").status == 404)
            }
            #expect(try outside.contents() == ["secret"])
            #expect(!String(decoding: try await server.get("/files").content, as: UTF8.self).contains("secret"))
            #expect(try tree(server) == ["album/link", "link"], "folders of refused requests are removed")
        }
    }

    #if os(Linux)
    @Test(
        "nor is a link followed where the kernel cannot refuse links (openat2)",
        .enabled(if: SystemCallTrace.obstacle == nil, "SKIPPED: there is no strace"), arguments: ["ENOSYS", "EPERM"])
    func linksWithoutOpenat2(error: String) async throws {
        let outside = try TemporaryDirectory()
        try outside.write([9], to: "secret")
        let trace = try SystemCallTrace(injecting: ["openat2:error=\(error)"])
        let server = try await ServerProcess.start(["--keep-paths"], through: trace.command)
        defer { server.process.terminate(SIGKILL) }
        func put(_ path: String) async throws -> Int {
            try await server.response(to: "PUT /files/\(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", [1])
                .status
        }
        #expect(try await put("album/new/a") == 201)
        for link in ["link", "album/link"] {
            let path = server.directory.path(link)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: outside.path)
            #expect(try await put("\(link)/a") == 409)
            #expect(try await put("\(link)/new/a") == 409)
            let read = try await server.response(to: "GET /files/\(link)/secret HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(read.status == 404)
        }
        #expect(try outside.contents() == ["secret"])
        #expect(try server.directory.read("album/new/a") == Data([1]))
        #expect(try trace.calls().contains { $0.name == "openat2" && $0.result.contains("INJECTED") })
    }
    #endif

    @Test("a file where a folder is needed is a conflict; a folder in place of a file gets the file a number")
    func conflicts() async throws {
        try await with { server in
            #expect(try await server.request("PUT", "/files/a", body: [1]).status == 201)
            let refused = try await server.request("PUT", "/files/a/b", body: [2])
            #expect(refused.status == 409)
            #expect(try Answer(refused.body.utf8).error?.contains("a folder in its path") == true, "\(refused.body)")
            let form = RunningServer.document([("n/1", [1]), ("m", [1]), ("m/x", [2])])
            #expect(try await server.post(form).status == 409)
            #expect(try tree(server) == ["a"])
            #expect(try await server.request("PUT", "/files/d/e", body: [3]).status == 201)
            #expect(try await server.request("PUT", "/files/d", body: [4]).status == 409)
            let numbered = try await server.request("POST", "/files/d", body: [5])
            #expect(try Answer(numbered.body.utf8).parts?.first?.savedAs == "d (1)")
            #expect(try tree(server) == ["a", "d (1)", "d/e"])
        }
    }

    @Test("hidden folders are neither listed nor read, and unusual paths do not exist") func reading() async throws {
        try await with { server in
            for name in [".hidden", "open"] {
                try FileManager.default.createDirectory(
                    atPath: server.directory.path(name), withIntermediateDirectories: false)
                try server.directory.write([1], to: name + "/f")
                try server.directory.write([1], to: name + "/.g")
            }
            #expect(try await server.get("/files/open/f").status == 200)
            for path in [
                ".hidden/f", "open/.g", "open", "open/", "open//f", "open/../open/f", "./open/f", "open/f/x",
                "open%2F..%2Ff",
                "/open/f", "open/f%00",
            ] { #expect(try await server.get("/files/" + path).status == 404, "\(path)") }
            let list = String(decoding: try await server.get("/files").content, as: UTF8.self)
            #expect(list.contains("open/f") && !list.contains("hidden") && !list.contains("open/.g"))
        }
    }

    @Test("many requests that fail and succeed in one folder at once do not disturb one another") func emptied()
        async throws
    {
        try await with { server in
            // The second file of each form cannot get its name, so its folders are removed again if they are empty.
            try server.directory.write([1], to: "file")
            let statuses = try await withThrowingTaskGroup(of: (Int, Int).self) { tasks in
                for index in 0..<40 {
                    tasks.addTask {
                        let bad = [("s/t/u\(index)", [UInt8(1)]), ("file/x", [1])].map { (filename: $0, content: $1) }
                        let status =
                            index % 2 == 0
                            ? try await server.post(RunningServer.document(bad)).status
                            : try await server.request("PUT", "/files/s/t/v\(index)", body: [1]).status
                        return (index, status)
                    }
                }
                return try await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for (index, status) in statuses { #expect(status == (index % 2 == 0 ? 409 : 201)) }
            #expect(try tree(server).count == 21)
        }
    }

    @Test("without the option folders are left out, and paths with folders do not exist") func notKept() async throws {
        try await RunningServer.with { server in
            let response = try await server.post(RunningServer.document([("album/2024/a.jpg", [1])]))
            #expect(try Answer(response.body.utf8).parts?.first?.savedAs == "a.jpg")
            for path in ["/files/album/2024/a.jpg", "/files/album%2Fa.jpg"] {
                #expect(try await server.request("PUT", path, body: [1]).status == 404)
            }
            #expect(try server.directory.contents() == ["a.jpg"])
        }
    }
}
