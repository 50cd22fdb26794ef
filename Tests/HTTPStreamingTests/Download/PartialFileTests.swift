import Foundation
import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

/// The partial files that interrupted downloads leave.
@Suite("Client, partial files", .timeLimit(.minutes(3)))
struct PartialFileTests {
    private let test: DownloadTest
    private var content: [UInt8] { test.content }
    private var directory: TemporaryDirectory { test.directory }

    init() throws { test = try DownloadTest() }

    @Test("a partial file that is too long, or whose record is damaged, begins again") func doubtful() async throws {
        for number in 0..<3 {
            let (server, listener) = try test.cutting(.init(content), [600_000])
            try await test.interrupt(listener)
            switch number {
            case 0: try directory.write(content + [1], to: "file.part")
            case 1: try directory.write(directory.read("file.part.state").dropLast(3), to: "file.part.state")
            default:
                var record = try directory.read("file.part.state")
                record[record.count / 2] ^= 1
                try directory.write(record, to: "file.part.state")
            }
            _ = try await test.download(listener)
            try test.expectSaved(content)
            #expect(server.ranges == [nil, nil])
        }
    }

    @Test("after a power failure it goes on from what was on the disk") func powerFailure() async throws {
        let (server, listener) = try test.cutting(.init(content), [600_000])
        try await test.interrupt(listener)
        // Bytes behind those on the disk, which read as zeros after a power failure.
        let durable = try directory.read("file.part")
        try directory.write(durable + Data(repeating: 0, count: 50_000), to: "file.part")
        let text = String(decoding: try directory.read("file.part.state"), as: UTF8.self)
        var record = try #require(PartialRecord(parsing: text))
        #expect(record.durable == 600_000 && record.system == SystemStart.identifier)
        record.system = "another"
        try directory.write(record.text.utf8, to: "file.part.state")
        _ = try await test.download(listener)
        try test.expectSaved(content)
        #expect(server.ranges == [nil, "bytes=600000-"])
    }

    @Test("a file of somebody else's with that name is an error, and stays") func foreign() async throws {
        let (server, listener) = try test.cutting(.init(content), [])
        try directory.write("mine".utf8, to: "file.part")
        let error = await expectError(.destinationUnwritable) { _ = try await test.download(listener) }
        #expect(error?.message.contains("file.part exists") == true)
        #expect(try directory.contents() == ["file.part"])
        #expect(try directory.read("file.part") == Data("mine".utf8))
        try FileManager.default.removeItem(atPath: test.path + ".part")
        try directory.write("target".utf8, to: "target")
        try FileManager.default.createSymbolicLink(
            atPath: test.path + ".part", withDestinationPath: directory.path("target"))
        await expectError(.destinationUnwritable) { _ = try await test.download(listener) }
        #expect(try directory.read("target") == Data("target".utf8))
        #expect(server.ranges == [])
    }

    @Test("of two downloads to one path the second is an error") func locked() async throws {
        let isWaiting = Gate()
        let server = RangeServer(.init(content)) { _, number in
            if number == 1 { isWaiting.open() }
            return number == 1 ? .stall(after: 600_000) : .none
        }
        let listener = try FaultServer(server.serve)
        let first = Task { try await test.download(listener) }
        #expect(await isWaiting.opened())
        let error = await expectError(.destinationUnwritable) { _ = try await test.download(listener) }
        #expect(error?.message.contains("is running") == true)
        // A cancelled download can be continued.
        _ = try await eventually { (try? directory.read("file.part").count) == 600_000 }
        first.cancel()
        await expectError(.cancelled) { _ = try await first.value }
        _ = try await test.download(listener)
        try test.expectSaved(content)
        #expect(server.ranges == [nil, "bytes=600000-"])
    }

    #if os(Linux)
    @Test("after a full disk it goes on") func diskFull() async throws {
        await #expect(processExitsWith: .success) {
            let content = SeededGenerator.manyBytes(1_500_000, case: 73)
            let server = RangeServer(.init(content))
            let listener = try FaultServer(server.serve)
            let directory = try TemporaryDirectory()
            let client = try Client(configuration: Client.Configuration())
            let limit = { (bytes: Int) in
                let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
                var limit = rlimit()
                #expect(getrlimit(resource, &limit) == 0)
                limit.rlim_cur = rlim_t(bytes)
                #expect(setrlimit(resource, &limit) == 0)
            }
            limit(1_000_000)
            let error = await expectError(.destinationUnwritable) {
                _ = try await client.download(listener.url, to: directory.path("file"), resuming: true)
            }
            #expect(error?.underlying as? SystemError == SystemError(code: EFBIG))
            #expect(try Array(directory.read("file.part")) == Array(content.prefix(1_000_000)))
            limit(2_000_000)
            _ = try await client.download(listener.url, to: directory.path("file"), resuming: true)
            #expect(try directory.contents() == ["file"])
            #expect(try Array(directory.read("file")) == content)
            #expect(server.ranges == [nil, "bytes=1000000-"])
        }
    }
    #endif
}
