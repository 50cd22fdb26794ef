import ContentCoding
import Crypto
import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Receiver

/// Uploads whose connection is cut at random places arrive byte for byte.
@Suite("Uploads that are cut off", .timeLimit(.minutes(3)))
struct CutUploadTests {
    /// Sends a body in several requests, each of which is cut off except the last one.
    ///
    /// - Parameter pause: called between two requests.
    /// - Returns: the last answer, and the bytes that were sent more than once.
    static func send(
        _ body: [UInt8], _ method: String, _ path: String, _ fields: [String], _ client: () -> ResumingClient,
        case number: Int, cuts: Int, pause: () async throws -> Void = {}
    ) async throws -> (answer: ResumingClient.Answer, repeated: Int) {
        var generator = SeededGenerator(case: number)
        let first = Int.random(in: 0..<body.count, using: &generator)
        let begun = try await client().cut(
            method, path, fields + ["Upload-Complete: ?1", "Upload-Length: \(body.count)"], Array(body[..<first]),
            of: body.count, resets: generator.oneIn(2))
        let location = try #require(begun)
        var (sent, repeated) = (first, 0)
        for _ in 0..<cuts {
            try await pause()
            let offset = try await Self.offset(location, client)
            repeated += max(0, sent - offset)
            guard offset < body.count else { break }
            sent = Int.random(in: offset..<body.count, using: &generator)
            // It fails if the server refuses the request before all of it has been sent, because it is busy: the offset counts.
            _ = try? await client().cut(
                "PATCH", location, ResumingClient.patch(offset), Array(body[offset..<sent]), of: body.count - offset,
                resets: generator.oneIn(2))
        }
        for _ in 0..<100 {
            let offset = try await Self.offset(location, client)
            // A request that was cut off before may arrive now, and end this one.
            let answer = try? await client().append(Array(body[offset...]), at: offset, to: location)
            if let answer, answer.status != 409, answer.status != 503 { return (answer, repeated) }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw FaultError("the upload does not end")
    }

    /// Asks for the offset until the server answers.
    private static func offset(_ location: String, _ client: () -> ResumingClient) async throws -> Int {
        var status: ResumingClient.Answer?
        for _ in 0..<100 {
            status = try? await client().status(location)
            if status?.status == 204, let offset = status?.final.offset { return offset }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw FaultError("no offset: \(String(describing: status))")
    }

    @Test("forms of several files and fields", arguments: 0..<12) func forms(number: Int) async throws {
        let form = AwkwardForm(case: number, lineBreak: number.isMultiple(of: 4) ? "\n" : "\r\n")
        try await RunningServer.with { server in
            let (answer, _) = try await Self.send(
                form.body, "POST", "/", AwkwardForm.fields, { server.resuming }, case: number, cuts: 10)
            #expect(answer.status == 201, "seed \(SeededGenerator.seed), case \(number): \(answer.body)")
            for (filename, content) in form.files {
                #expect(
                    try [UInt8](server.directory.read(filename)) == content,
                    "seed \(SeededGenerator.seed), case \(number), \(filename)")
            }
            let parts = try #require(try Answer(answer.body.utf8).parts)
            #expect(parts.filter { $0.filename != nil }.map(\.size) == form.files.map(\.content.count))
            #expect(try server.visible() == form.files.map(\.filename).sorted())
        }
    }

    @Test("forms, by receptions that are made again from the disk", arguments: 20..<28)
    func restored(number: Int) async throws {
        let form = AwkwardForm(case: number)
        let directory = try TemporaryDirectory()
        // Another storage of the same directory knows nothing of the first one's uploads.
        let ports = AlternatingPorts()
        try await RunningServer.with(directory: directory) { first in
            try await RunningServer.with(directory: directory) { second in
                let (answer, _) = try await Self.send(
                    form.body, "POST", "/", AwkwardForm.fields + ["Want-Repr-Digest: sha-256=1"],
                    { ResumingClient(port: ports.next(first.port, second.port)) }, case: number, cuts: 8)
                #expect(answer.status == 201, "seed \(SeededGenerator.seed), case \(number): \(answer.body)")
                let parts = try #require(try Answer(answer.body.utf8).parts).filter { $0.filename != nil }
                for (part, file) in zip(parts, form.files) {
                    #expect(
                        try firstDifference([UInt8](directory.read(file.filename)), file.content) == nil,
                        "seed \(SeededGenerator.seed)")
                    #expect(part.sha256 == Digest.sha256(file.content), "seed \(SeededGenerator.seed), case \(number)")
                }
            }
        }
    }

    @Test("coded forms", arguments: 40..<46) func coded(number: Int) async throws {
        let form = AwkwardForm(case: number)
        let body = try Samples.encoded(form.body, .gzip)
        try await RunningServer.with { server in
            let (answer, _) = try await Self.send(
                body, "POST", "/", AwkwardForm.fields + ["Content-Encoding: gzip"], { server.resuming }, case: number,
                cuts: 8)
            #expect(answer.status == 201, "seed \(SeededGenerator.seed), case \(number): \(answer.body)")
            for (filename, content) in form.files {
                #expect(
                    try firstDifference([UInt8](server.directory.read(filename)), content) == nil,
                    "seed \(SeededGenerator.seed)")
            }
        }
    }

    @Test("a file with a condition is judged when it gets its name") func conditions() async throws {
        try await RunningServer.with { server in
            let content = SeededGenerator.bytes(200_000, case: 60)
            let (answer, _) = try await Self.send(
                content, "PUT", "/files/new", ["If-None-Match: *"], { server.resuming }, case: 60, cuts: 5)
            #expect(answer.status == 201)
            #expect(try [UInt8](server.directory.read("new")) == content)
            // Another client stores the file meanwhile.
            let begun = try await server.resuming.cut(
                "PUT", "/files/other", ["If-None-Match: *", "Upload-Complete: ?1"], [1, 2], of: 4)
            let location = try #require(begun)
            #expect(try await server.request("PUT", "/files/other", body: [9]).status == 201)
            let offset = try #require(try await server.resuming.status(location).final.offset)
            let rest: [UInt8] = Array([1, 2, 3, 4][offset...])
            #expect(try await server.resuming.append(rest, at: offset, to: location).status == 412)
            #expect(try server.directory.read("other") == Data([9]))
            #expect(try await server.resuming.status(location).status == 404)
        }
    }

    @Test("a file is replaced in one step") func replacing() async throws {
        try await RunningServer.with { server in
            try server.directory.write([9, 9], to: "a")
            let location = try #require(
                try await server.resuming.cut("PUT", "/files/a", ["Upload-Complete: ?1"], [1, 2], of: 4))
            let offset = try #require(try await server.resuming.status(location).final.offset)
            #expect(try server.directory.read("a") == Data([9, 9]))
            let answer = try await server.resuming.append(Array([1, 2, 3, 4][offset...]), at: offset, to: location)
            #expect(answer.status == 200)
            #expect(try server.directory.read("a") == Data([1, 2, 3, 4]))
            #expect(try server.visible() == ["a"])
        }
    }

    @Test("digests of the whole body are checked across cuts, and after a restart") func digests() async throws {
        let directory = try TemporaryDirectory()
        let content = SeededGenerator.bytes(300_000, case: 61)
        let field = "Repr-Digest: sha-256=:\(Digest.base64(content)):"
        let ports = AlternatingPorts()
        try await RunningServer.with(directory: directory) { first in
            try await RunningServer.with(directory: directory) { second in
                for (name, sent, status) in [("right", content, 201), ("wrong", content.reversed(), 400)] {
                    let (answer, _) = try await Self.send(
                        Array(sent), "PUT", "/\(name)", [field],
                        { ResumingClient(port: ports.next(first.port, second.port)) }, case: 61, cuts: 4)
                    #expect(answer.status == status, "\(answer)")
                }
            }
        }
        #expect(try directory.contents().filter { !$0.hasPrefix(".") } == ["right"])
    }

    @Test("a long upload tells how much of it is stored, in few responses") func interim() async throws {
        try await RunningServer.with { server in
            let content = [UInt8](repeating: 7, count: 100 << 20)
            let answer = try await server.resuming.ask("PUT", "/a", ["Upload-Complete: ?1"], content)
            let offsets = answer.interim.compactMap(\.offset)
            #expect(answer.status == 201 && (2...6).contains(offsets.count) && offsets == offsets.sorted())
            #expect(offsets.allSatisfy { $0 <= content.count })
            #expect(try server.directory.read("a").count == content.count)
        }
    }

    @Test("a new request ends the one before, whose client is silent", arguments: ["HEAD", "PATCH"])
    func takeover(method: String) async throws {
        try await RunningServer.with { server in
            let port = server.port
            let (answer, rest) = try await RawConnection.onThread {
                let old = try RawConnection(port: port)
                try old.send(
                    "PUT /a HTTP/1.1\r\nHost: x\r\nUpload-Draft-Interop-Version: 8\r\nUpload-Complete: ?1\r\n"
                        + "Content-Length: 4\r\n\r\n")
                let location = try #require(try ResumingClient.head(old).fields["location"])
                try old.send([1, 2])
                Thread.sleep(forTimeInterval: 0.2)
                let new = try RawConnection(port: port)
                let fields =
                    method == "HEAD"
                    ? [] : ResumingClient.patch(2) + ["Content-Length: 2"]
                let head = ["\(method) \(location) HTTP/1.1", "Host: x", "Upload-Draft-Interop-Version: 8"] + fields
                try new.send(head.joined(separator: "\r\n") + "\r\n\r\n")
                if method == "PATCH" { try new.send([3, 4]) }
                let answer = try ResumingClient.head(new)
                return (answer, try old.receiveToClose())
            }
            #expect(rest.isEmpty)
            #expect(answer.status == (method == "HEAD" ? 204 : 201))
            if method == "HEAD" { #expect(answer.offset == 2) }
        }
    }

    @Test("parked uploads keep no descriptor open") func descriptors() async throws {
        try await RunningServer.with { server in
            let before = try Self.openDescriptors(in: server.directory.path)
            for index in 0..<100 {
                let location = try #require(
                    try await server.resuming.ask("PUT", "/f\(index)", ["Upload-Complete: ?0"], [1, 2, 3]).location)
                _ = try await server.resuming.status(location)
            }
            let isClosed = try await eventually { try Self.openDescriptors(in: server.directory.path) <= before }
            #expect(isClosed)
        }
    }

    private static func openDescriptors(in directory: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target?.hasPrefix(directory + "/") == true
        }
    }
}

/// Two ports by turns.
private final class AlternatingPorts: Sendable {
    private let count = Mutex(0)

    func next(_ first: Int, _ second: Int) -> Int {
        count.withLock { count in
            count += 1
            return count.isMultiple(of: 2) ? first : second
        }
    }
}

private enum Digest {
    static func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).hexadecimal }
    static func base64(_ bytes: [UInt8]) -> String { Data(SHA256.hash(data: bytes)).base64EncodedString() }
}
