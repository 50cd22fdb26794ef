import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// How long a client keeps the parts that it was given.
@Suite("Released parts", .timeLimit(.minutes(2)))
struct ReleasedPartsTests {
    private final class Marker: Sendable {}

    /// A part that keeps the marker as long as it exists.
    private func part(_ marker: Marker) -> Part {
        Part(
            "s",
            .stream { [marker] in
                _ = marker
                return AsyncStream<[UInt8]> { $0.finish() }
            })
    }

    @Test("after the response no part is kept, whether the request was sent by one call or by several")
    func afterResponse() async throws {
        let server = try FaultServer(Recorder().serve)
        let client = try Client(.post, server.url)
        for isOpened in [false, true] {
            weak var last: Marker?
            do {
                let marker = Marker()
                last = marker
                _ = try await client.send(part(marker), isUnclosed: isOpened).text()
            }
            #expect(try await eventually { last == nil })
        }
        _ = client
    }

    @Test("an open request that was refused keeps neither later parts nor their files") func refused() async throws {
        let gate = Gate()
        defer { gate.open() }
        let server = try FaultServer { connection in
            _ = try connection.readHeadAndContinue()
            try connection.respond(413, "no")
            gate.wait()
        }
        let directory = try TemporaryDirectory()
        let path = try directory.write(bottles(1000), to: "a.txt")
        let client = try Client(.post, server.url)
        #expect(try await eventually { !(try await client.sendUnclosed(.field("a", "b"))) })
        weak var last: Marker?
        do {
            let marker = Marker()
            last = marker
            #expect(try await !client.sendUnclosed(part(marker)))
        }
        let before = try openDescriptors { $0.hasSuffix("/a.txt") }
        for _ in 0..<20 { #expect(try await !client.sendUnclosed(.file(path))) }
        #expect(try openDescriptors { $0.hasSuffix("/a.txt") } < before + 10)
        #expect(last == nil)
        #expect(try await client.close().text() == "no")
    }
}
