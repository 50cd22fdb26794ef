import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Files that are written to while they are sent; see ``Content/FileChanges``.
@Suite("Content.FileChanges", .serialized, .timeLimit(.minutes(3)))
struct FileChangesTests {
    enum Change: CaseIterable {
        case appended, timeMoved, overwritten, replaced, cut
    }

    private static let size = 16 << 20

    private func apply(_ change: Change, to path: String) throws {
        switch change {
        case .appended:
            let file = open(path, O_WRONLY | O_APPEND)
            defer { close(file) }
            try #require(write(file, "one more line\n", 14) == 14)
        case .timeMoved:
            try #require(utimes(path, nil) == 0)
        case .overwritten:
            let file = open(path, O_WRONLY)
            defer { close(file) }
            // Far behind what has been read.
            try #require(pwrite(file, "changed", 7, off_t(Self.size - 7)) == 7)
        case .replaced:
            try Data(repeating: 2, count: Self.size).write(to: URL(fileURLWithPath: path), options: .atomic)
        case .cut:
            try #require(truncate(path, 8 << 20) == 0)
        }
    }

    /// Sends a file that changes when the server has the beginning of it.
    ///
    /// - Parameter isOpen: whether the file stays open; otherwise it is the second one of the request, which is opened
    ///   again before it is read, and changes before that.
    private func send(
        _ change: Change, _ changes: Content.FileChanges, isOpen: Bool, path: String
    ) async throws -> (head: RequestHead, body: [UInt8]) {
        let gate = Gate()
        let received = Shared<(head: RequestHead, body: [UInt8])?>(nil)
        let server = try FaultServer(receiveBuffer: 65_536) { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            gate.wait()
            let body = try connection.readBody(of: head)
            received.set((head, body))
            try connection.respond(201)
        }
        let file = Part.file(path, changes: changes)
        let parts = isOpen ? [file] : [.file(path, range: 0..<(8 << 20), changes: .asRead), file]
        let client = try Client(.post, server.url)
        let task = Task { try await client.send(parts) }
        #expect(try await eventually { server.accepted == 1 })
        try await Task.sleep(for: .milliseconds(200))
        try apply(change, to: path)
        gate.open()
        #expect(try await task.value.status == 201)
        return try #require(received.value)
    }

    @Test(
        "by default every change is an error; a prefix ignores what is appended; as read ignores all",
        arguments: Change.allCases, [true, false])
    func changes(change: Change, isOpen: Bool) async throws {
        let directory = try TemporaryDirectory()
        for changes in [Content.FileChanges.unchanged, .prefix, .asRead] {
            let path = try directory.write([UInt8](repeating: 1, count: Self.size), to: "app.log")
            let isRefused =
                switch changes {
                case .unchanged: !(isOpen && change == .replaced)
                case .prefix: change == .cut || change == .replaced && !isOpen
                case .asRead: false
                }
            if isRefused {
                let error = await expectError(.sourceChanged, "\(change), \(changes)") {
                    try await send(change, changes, isOpen: isOpen, path: path)
                }
                #expect(error?.message.hasPrefix("\(path): the file ") == true)
                continue
            }
            let (head, body) = try await send(change, changes, isOpen: isOpen, path: path)
            #expect((head["transfer-encoding"] == "chunked") == (changes == .asRead))
            let content = try #require(try receivedParts(of: (head, body, 1)).last).content
            let expected =
                switch change {
                case .appended: changes == .asRead ? Self.size + 14 : Self.size
                case .cut: 8 << 20
                case .timeMoved, .overwritten, .replaced: Self.size
                }
            #expect(content.count == expected, "\(change), \(changes)")
            #expect(content[0] == (change == .replaced && !isOpen ? 2 : 1))
        }
    }

    @Test("a range is sent with its length under every policy, and must be within the file unless it is as read")
    func ranges() async throws {
        let (recorder, _, client) = try recording()
        let directory = try TemporaryDirectory()
        let path = try directory.write(bottles(1000), to: "f")
        for changes in [Content.FileChanges.unchanged, .prefix, .asRead] {
            _ = try await client.send(.file(path, range: 10..<20, changes: changes), .field("a", "b"))
            #expect(recorder.last?.head["content-length"] != nil)
            #expect(try recorder.lastParts().first?.content == Array(bottles(1000)[10..<20]))
            await expectError(changes == .asRead ? .sourceChanged : .sourceUnreadable) {
                try await client.send(.file(path, range: 10..<1001, changes: changes))
            }
            await expectError(.sourceUnreadable) {
                try await client.send(.file(path, range: -1..<10, changes: changes))
            }
        }
        // A folder under a policy.
        _ = try await client.send(Part.files(in: directory.path, changes: .asRead))
        #expect(recorder.last?.head["transfer-encoding"] == "chunked")
    }
}
