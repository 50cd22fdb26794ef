import Foundation
import TestSupport
import Testing

@testable import Receiver

/// Interrupted uploads while the store fails.
extension S3ResumptionTests {
    @Test("an upload goes on when the store has stalled meanwhile") func stalledStore() async throws {
        let store = try await S3Storage.startStore(.rclone)
        let storage = try await S3Storage.open(store, patience: .seconds(1))
        let content = SeededGenerator.manyBytes(30_000_000, case: 750)
        try await RunningServer.with(storage: { _ in storage }) { server in
            let begun = try await server.resuming.ask(
                "PUT", "/a", ["Upload-Complete: ?0"], Array(content[..<10_000_000]))
            let location = try #require(begun.location)
            store.signal(SIGSTOP)
            let refused = try await server.resuming.append(
                Array(content[10_000_000...]), at: 10_000_000, to: location)
            #expect(refused.status == 503 && refused.fields["retry-after"] != nil, "\(refused)")
            #expect(try await server.resuming.status(location).status == 503)
            store.signal(SIGCONT)
            let offset = try #require(try await server.resuming.status(location).final.offset)
            #expect((10_000_000...30_000_000).contains(offset))
            let answer = try await server.resuming.append(Array(content[offset...]), at: offset, to: location)
            #expect(answer.status == 201, "\(answer)")
            #expect(firstDifference(try store.directory.read("bucket/some/folder/a"), content) == nil)
        }
    }

    @Test("an upload goes on when the store could not complete it") func laterCompletion() async throws {
        let store = try await S3Storage.startStore(.rclone)
        let storage = try await S3Storage.open(store, patience: .seconds(1))
        try await RunningServer.with(storage: { _ in storage }) { server in
            let begun = try await server.resuming.ask("PUT", "/a", ["Upload-Complete: ?0"], [1, 2, 3])
            let location = try #require(begun.location)
            store.signal(SIGSTOP)
            let refused = try await server.resuming.append([], at: 3, to: location)
            #expect(refused.status == 503 && refused.fields["retry-after"] != nil, "\(refused)")
            store.signal(SIGCONT)
            #expect(try await server.resuming.status(location).final.offset == 3)
            #expect(try await server.resuming.append([4], at: 3, to: location).status == 201)
            #expect(try store.directory.read("bucket/some/folder/a") == Data([1, 2, 3, 4]))
        }
    }

    @Test("uploads that another server has completed do not count") func completedElsewhere() async throws {
        let store = try await S3Storage.startStore(.moto)
        let (one, other) = (try await S3Storage.open(store), try await S3Storage.open(store))
        try await RunningServer.with(storage: { _ in one }) { first in
            let configure: (inout Receiver.Configuration) -> Void = {
                $0.resumption.count = 1
                // The server looks for uploads each second.
                $0.resumption.age = .seconds(4)
            }
            try await RunningServer.with(storage: { _ in other }, configure: configure) { second in
                let begun = try await first.resuming.ask("PUT", "/a", ["Upload-Complete: ?0"], [1, 2, 3])
                let location = try #require(begun.location)
                func beginsAnother() async throws -> Bool {
                    try await second.resuming.ask("PUT", "/b", ["Upload-Complete: ?0"], [1]).status != 507
                }
                try await Task.sleep(for: .seconds(2))
                #expect(try await !beginsAnother())
                #expect(try await first.resuming.append([4], at: 3, to: location).status == 201)
                #expect(try await eventually { try await beginsAnother() })
            }
        }
        withExtendedLifetime(store) {}
    }
}
