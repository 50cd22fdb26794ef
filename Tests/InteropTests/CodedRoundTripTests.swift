import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// Coded uploads and downloads between this client, this server, and curl, httpie and Python's zlib.
@Suite("Coded round trips", .timeLimit(.minutes(15)))
struct CodedRoundTripTests {
    /// What `receiver_zlib.py` says.
    private struct PeerAnswer: Decodable {
        let size: Int
        let sha256: String
    }

    private static let codings: [Client.ContentCoding] = [.gzip(), .gzip(level: 1, workers: 1), .deflate(), .automatic]

    /// Sends a file and downloads it with this client and curl; compares digests.
    ///
    /// - Parameter ways: whether by `sendUnclosed`.
    private func roundTrip(
        _ path: String, digest: String, codings: [Client.ContentCoding], ways: [Bool] = [false, true],
        server: ServerProcess
    ) async throws {
        let fetched = try TemporaryDirectory()
        for coding in codings {
            let client = try Client(.post, server.url) {
                $0.contentCoding = coding
                $0.headerFields = ["Want-Repr-Digest": "sha-256=10"]
            }
            for isUnclosed in ways {
                let response = try await client.send(.file(path), isUnclosed: isUnclosed)
                let text = try await response.text()
                #expect(response.status == 201, "\(text)")
                let part = try #require(try JSONDecoder().decode(ServerReport.self, from: Data(text.utf8)).parts.first)
                let savedAs = try #require(part.savedAs)
                #expect(part.sha256 == digest)
                #expect(try await sha256(path: server.directory.path(savedAs)) == digest)
                if !isUnclosed, coding == codings.first {
                    try await fetch(savedAs, digest: digest, from: server, to: fetched.path("file"))
                }
                try FileManager.default.removeItem(atPath: server.directory.path(savedAs))
            }
        }
        #expect(try server.directory.contents() == [])
    }

    /// Sends a file with curl and httpie, compressed by gzip and httpie.
    private func sendByOthers(
        _ path: String, digest: String, server: ServerProcess, includesHTTPie: Bool = true
    ) async throws {
        var lines = [
            "curl": "gzip -1 -c '\(path)' | curl -sS --fail -T - -H 'Content-Encoding: gzip' \(server.url)/curl"
        ]
        if includesHTTPie, await PythonEnvironment.shared.isAvailable(with: ["httpie"]) {
            let python = try await PythonEnvironment.shared.interpreter(with: ["httpie"])
            lines["httpie"] =
                "'\(python)' -m httpie --ignore-stdin --check-status -xx PUT \(server.url)/httpie @'\(path)'"
        }
        for (name, line) in lines {
            let result = try await Subprocess.run("sh", ["-c", line], deadline: .seconds(400))
            #expect(result.status == 0, "\(name): \(result.output)\(result.errorOutput)")
            #expect(try await sha256(path: server.directory.path(name)) == digest, "by \(name)")
            try FileManager.default.removeItem(atPath: server.directory.path(name))
        }
    }

    /// Sends a file to a server that decodes with Python's zlib.
    private func sendToPeer(_ path: String, digest: String, codings: [Client.ContentCoding]) async throws {
        guard Subprocess.find("python3") != nil else { return print("CodedRoundTripTests: SKIPPED: no python3") }
        let process = try Subprocess("python3", [Peer.source("receiver_zlib.py")], deadline: .seconds(400))
        defer { process.terminate() }
        let url = try await process.firstLine()
        for coding in codings {
            let response = try await Client(.post, url, { $0.contentCoding = coding }).send(.file(path))
            #expect(response.status == 201)
            let answer = try JSONDecoder().decode(PeerAnswer.self, from: Data(try await response.bytes()))
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            #expect(answer.size == size && answer.sha256 == digest)
        }
    }

    private func fetch(_ name: String, digest: String, from server: ServerProcess, to path: String) async throws {
        let url = server.url + "/files/" + (name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
        let response = try await Client(.get, url).send()
        #expect(response.status == 200)
        try await response.save(to: path)
        #expect(try await sha256(path: path) == digest, "by this client")
        let curl = try await Subprocess.run(
            "curl", ["-sS", "--fail", "--compressed", "-o", path, url], deadline: .seconds(300))
        #expect(curl.status == 0, "\(curl.errorOutput)")
        #expect(try await sha256(path: path) == digest, "by curl")
    }

    @Test("nothing, a byte, the book, and text around the edges of blocks and buffers arrive unchanged")
    func small() async throws {
        let server = try await ServerProcess.start(deadline: .seconds(400))
        defer { server.process.terminate() }
        let source = try TemporaryDirectory()
        let book = try Data(contentsOf: packageFile("payload/book.txt"))
        let text = Data(repeatElement(book, count: 3).joined())
        // A message's framing is some 150 bytes, so its blocks end before the content's.
        let sizes = [0, 1, 261_990, 262_143, 262_144, 262_145, 524_288, 700_000]
        for content in [book] + sizes.map({ text.prefix($0) }) {
            let path = try source.write(content, to: "text \(content.count)")
            let digest = sha256(content)
            try await roundTrip(path, digest: digest, codings: Self.codings, server: server)
            try await sendByOthers(path, digest: digest, server: server)
            try await sendToPeer(path, digest: digest, codings: Self.codings)
        }
    }

    /// 2 GiB exceed a signed count of 32 bits; 256 MiB of incompressible bytes fill all buffers. Not with httpie, which
    /// holds the whole body in memory.
    @Test("2 GiB of zeros and 256 MiB of random bytes arrive unchanged", arguments: ["zero", "urandom"])
    func large(device: String) async throws {
        let source = try TemporaryDirectory()
        let path = source.path(device)
        let size = device == "zero" ? 2 << 30 : 256 << 20
        let free = try FileManager.default.attributesOfFileSystem(forPath: source.path)[.systemFreeSize] as? Int ?? 0
        guard free > 6 * size else {
            print("CodedRoundTripTests.large: SKIPPED: too little space in \(source.path)")
            return
        }
        let made = try await Subprocess.run(
            "sh", ["-c", "head -c \(size) /dev/\(device) >'\(path)'"], deadline: .seconds(60))
        try #require(made.status == 0, "\(made.errorOutput)")
        let server = try await ServerProcess.start(deadline: .seconds(800))
        defer { server.process.terminate() }
        // Other levels only take longer for random bytes.
        let coding = device == "zero" ? Client.ContentCoding.gzip() : .gzip(level: 1)
        let digest = try await sha256(path: path)
        try await roundTrip(path, digest: digest, codings: [coding], ways: [false], server: server)
        try await sendByOthers(path, digest: digest, server: server, includesHTTPie: false)
        try await sendToPeer(path, digest: digest, codings: [coding])
    }
}
