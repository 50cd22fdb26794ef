import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import Receiver

@Suite("List of files", .timeLimit(.minutes(2)))
struct FileListTests {
    private func request(_ query: String = "") throws -> FileListRequest {
        try FileListRequest(HTTPRequest(method: .get, scheme: "http", authority: "x", path: "/files" + query))
    }

    @Test("a page is one line of JSON") func json() throws {
        let files = [
            StoredFile(name: "a", size: 0, modified: 0, version: "w"),
            StoredFile(name: "b\"\n", size: 2, modified: 784_111_777, version: "v"),
        ]
        #expect(
            FileList(StoredFilePage(files: files, last: nil), try request()).json
                == #"[{"modified":"1970-01-01T00:00:00Z","name":"a","size":0},{"modified":"1994-11-06T08:49:37Z","name":"b\"\n","size":2}]"#
                + "\n"
        )
        #expect(FileList(StoredFilePage(files: [], last: nil), try request()).json == "[]\n")
    }

    @Test(
        "the query says where the page begins and how long it is",
        arguments: [
            ("", nil, 1000), ("?", nil, 1000), ("?limit=5", nil, 5), ("?limit=10001", nil, 10_000),
            ("?after=", "", 1000),
            ("?after=a%20b%2Bc&limit=7", "a b+c", 7), ("?after=a+b", "a b", 1000), ("?limit=1&limit=2", nil, 2),
            ("?other&after=%C3%A9%3F?", "é??", 1000), ("?limits=3&xafter=1", nil, 1000),
        ] as [(String, String?, Int)])
    func queries(query: String, after: String?, limit: Int) throws {
        let request = try request(query)
        #expect(request.after == after)
        #expect(request.limit == limit)
    }

    @Test("an invalid limit is refused", arguments: ["0", "-1", "", "x", "1e3", "99999999999999999999"])
    func invalidLimits(limit: String) throws {
        #expect(refusal { try request("?limit=\(limit)") }?.code == .malformed)
    }

    @Test("the first of many names are kept, in any order of arrival") func firstNames() {
        let names = (0..<1000).map { "\($0)" }
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for order in [names, sorted, sorted.reversed(), names.shuffled()] {
            for (after, limit) in [(nil, 1), (nil, 10), ("500", 100), ("999", 3), ("", 999), (nil, 1000), ("995", 7)] {
                var first = FirstNames(after: after, limit: limit)
                for name in order { first.add(name) }
                let later = sorted.filter { after?.utf8.lexicographicallyPrecedes($0.utf8) ?? true }
                let (found, isLast) = first.sorted()
                #expect(found == Array(later.prefix(limit)), "after \(after ?? "-"), \(limit)")
                #expect(isLast == (later.count <= limit))
            }
        }
    }

    @Test("pages follow one another by their Link fields, and together have every file once, also for browsers")
    func pages() async throws {
        try await RunningServer.with { server in
            // Bytes, not the order of a language: "Z" precedes "a", and "é" follows "z".
            let names =
                ["&amp", "a b", "a+b", "a?c", "Z", "z", "é", "<i>", "100%", "ｆ", "😀"] + (0..<30).map { "n\($0)" }
            for name in names { try server.directory.write([1], to: name) }
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for (limit, pages) in [(1, 41), (7, 6), (41, 1), (42, 1)] {
                var (path, found, count): (String?, [String], Int) = ("/files?limit=\(limit)", [], 0)
                while let next = path {
                    let page = try await server.get(next)
                    #expect(page.status == 200)
                    let list = try page.files()
                    #expect(list.count <= limit)
                    found += list
                    count += 1
                    path = try page.next()
                }
                #expect(found == sorted)
                #expect(count == pages, "\(limit)")
            }
            let html = try await server.get("/files?limit=3&after=Z", ["Accept: text/html"])
            let text = String(decoding: html.content, as: UTF8.self)
            #expect(text.contains("<a rel=\"next\" href=\"/files?after=a%3Fc&amp;limit=3\">"))
            #expect(html.fields["link"] == "</files?after=a%3Fc&limit=3>; rel=\"next\"")
            #expect(try await server.get("/files?limit=x").status == 400)
            #expect(try await server.get("/files?after=%F0%9F%98%80").content == Array("[]\n".utf8))
        }
    }

    @Test("50 lists at once of 20,000 files take memory for their pages only, and do not delay other requests")
    func manyFiles() async throws {
        let server = try await ServerProcess.start(["--log-level", "error"])
        defer { server.process.terminate() }
        for number in 0..<20_000 {
            try server.directory.write([], to: "\(number) \(String(repeating: "n", count: 100))")
        }
        let before = try server.peakMemory
        let (lists, slowest) = try await RawConnection.onThread {
            let connections = try (0..<50).map { _ in
                let connection = try RawConnection(port: server.port, deadline: .seconds(60))
                try connection.send("GET /files HTTP/1.1\r\nHost: x\r\n\r\n")
                return connection
            }
            let other = try RawConnection(port: server.port, deadline: .seconds(60))
            let slowest = try (0..<20).map { _ in
                try ContinuousClock().measure {
                    _ = try other.ask("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", [1])
                }
            }.max()
            return (try connections.map { try Download($0) }, slowest)
        }
        let growth = try server.peakMemory - before
        print("slowest upload beside 50 lists: \(slowest ?? .zero); memory grew by \(growth) KiB")
        for list in lists {
            #expect(try list.files().count == 1000)
            #expect(try list.next() != nil)
        }
        #expect(slowest ?? .zero < .seconds(15))
        #if os(Linux)
        #expect(growth < 64 * 1024)
        #endif
    }
}

extension Download {
    /// The names in a page of the list of files.
    func files() throws -> [String] {
        struct Entry: Decodable { let name: String }
        return try JSONDecoder().decode([Entry].self, from: Data(content)).map(\.name)
    }

    /// The path of the next page.
    func next() throws -> String? {
        guard let link = fields["link"] else { return nil }
        #expect(link.hasPrefix("</files?") && link.hasSuffix(">; rel=\"next\""))
        return String(link.dropFirst().prefix { $0 != ">" })
    }
}
