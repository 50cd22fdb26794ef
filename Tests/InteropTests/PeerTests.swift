import Foundation
import HTTPStreaming
import TestSupport
import Testing

@Suite("Other servers", .timeLimit(.minutes(5)))
struct PeerTests {
    private func answer(_ response: Response) async throws -> Peer.Answer {
        #expect(response.status == 201)
        let bytes = try await response.bytes()
        return try #require(
            try? JSONDecoder().decode(Peer.Answer.self, from: Data(bytes)), "\(String(decoding: bytes, as: UTF8.self))"
        )
    }

    @Test("read the parts of send and sendUnclosed, on one connection", arguments: Peer.allCases)
    func parts(peer: Peer) async throws {
        let (url, process) = try await peer.start()
        defer { process.terminate() }
        let directory = try TemporaryDirectory()
        let contents = [
            "größe 'ß' 😀.txt": Data("hello\r\n--".utf8), "big;=.bin": Data((0..<5_000_000).map { UInt8($0 % 251) }),
            "empty": Data(),
        ]
        let names = contents.keys.sorted()
        let paths = try names.map { try directory.write(contents[$0] ?? Data(), to: $0) }
        let client = try Client(.post, url)

        for path in paths { #expect(try await client.sendUnclosed(.file(path, name: "ü"))) }
        let response = try await client.close()
        let isKept = response.headerFields["connection"]?.lowercased() != "close"
        let unclosed = try await answer(response)
        let parts = paths.map { Part.file($0, name: "ü") } + [.field("c", "tëxt")]
        let closed = try await answer(try await client.send(parts))
        #expect(unclosed.length == -1)
        #expect(closed.length > 5_000_000)
        // Go sometimes answers a chunked request with `Connection: close`; werkzeug always does.
        #expect((unclosed.remote == closed.remote) == isKept)
        if peer == .aiohttp { #expect(isKept) }
        #expect(closed.parts?.count == 4)
        for received in [unclosed, closed] {
            let files = try #require(received.parts?.filter { !$0.filename.isEmpty })
            #expect(files.map(\.filename).sorted() == names)
            #expect(files.allSatisfy { $0.name == "ü" })
            for file in files {
                let content = try #require(contents[file.filename])
                #expect(file.size == content.count)
                #expect(file.sha256 == sha256(content))
            }
        }
        let field = try #require(closed.parts?.first { $0.filename.isEmpty })
        #expect(field.name == "c" && field.sha256 == sha256(Data("tëxt".utf8)))
    }

    @Test(
        "read encoded bodies of send and sendUnclosed", arguments: Peer.allCases,
        [Client.ContentCoding.gzip(level: 1), .gzip(), .deflate(), .automatic]
    )
    func coded(peer: Peer, coding: Client.ContentCoding) async throws {
        let (url, process) = try await peer.start()
        defer { process.terminate() }
        let directory = try TemporaryDirectory()
        let contents = [
            Data(), Data("x".utf8), Data((0..<200_000).map { "line \($0 * 7919 % 1009)\n" }.joined().utf8),
            Data(SeededGenerator.bytes(1_000_000, case: 0)),
        ]
        let parts = try contents.enumerated().map { Part.file(try directory.write($1, to: "\($0)")) }
        let client = try Client(.post, url) { $0.contentCoding = coding }
        for part in parts { #expect(try await client.sendUnclosed(part)) }
        for response in [try await client.close(), try await client.send(parts)] {
            #expect(response.bytesSent < contents.reduce(0) { $0 + $1.count })
            let received = try #require(try await answer(response).parts)
            #expect(received.map(\.filename) == ["0", "1", "2", "3"])
            #expect(received.map(\.sha256) == contents.map { sha256($0) })
        }
    }

    @Test("accept many small requests and an empty document", arguments: Peer.allCases)
    func small(peer: Peer) async throws {
        let (url, process) = try await peer.start()
        defer { process.terminate() }
        let client = try Client(.post, url)
        var remotes: Set<String> = []
        for index in 0..<50 {
            let part = Part("file", .bytes([UInt8(index)]), filename: "\(index)")
            let answer = try await answer(try await client.send(part))
            #expect(answer.parts?.map(\.size) == [1])
            remotes.insert(answer.remote)
        }
        if peer.keepsConnections { #expect(remotes.count == 1) }
    }
}
