import Synchronization
import Testing

@testable import HTTPStreaming

@Suite("ContentBuffer", .timeLimit(.minutes(3)))
struct ContentBufferTests {
    private func append(_ bytes: [UInt8], to buffer: ContentBuffer) -> Bool {
        bytes.withUnsafeBytes { buffer.append($0) }
    }

    @Test("returns chunks in order, then the end") func order() async throws {
        let buffer = ContentBuffer()
        #expect(append([1], to: buffer) && append([2, 3], to: buffer))
        buffer.complete()
        #expect(try await buffer.next {}.get() == [1])
        #expect(try await buffer.next {}.get() == [2, 3])
        #expect(try await buffer.next {}.get() == nil)
        #expect(try await buffer.next {}.get() == nil)
    }

    @Test("refuses chunks above the high-water mark and reports once when there is room")
    func backPressure() async throws {
        let buffer = ContentBuffer()
        let chunk = [UInt8](repeating: 0, count: 16 << 10)
        var taken = 0
        while append(chunk, to: buffer) { taken += 1 }
        #expect(taken == buffer.highWater / chunk.count)
        let told = Mutex(0)
        for index in 1...taken {
            _ = await buffer.next { told.withLock { $0 += 1 } }
            let left = (taken - index) * chunk.count
            #expect(told.withLock { $0 } == (left <= buffer.lowWater ? 1 : 0))
        }
        #expect(append(chunk, to: buffer))
    }

    @Test("a chunk, the end or an error wakes a waiting reader") func waiting() async throws {
        for ending in 0..<3 {
            let buffer = ContentBuffer()
            let reader = Task { try await buffer.next {}.get() }
            try await Task.sleep(for: .milliseconds(10))
            switch ending {
            case 0:
                #expect(append([5], to: buffer))
                #expect(try await reader.value == [5])
            case 1:
                buffer.complete()
                #expect(try await reader.value == nil)
            default:
                buffer.fail(ClientError(.connectionLost, "gone"))
                await expectError(.connectionLost) { try await reader.value }
            }
        }
    }

    @Test("chunks received before a failure can be read unless they were discarded") func failure() async throws {
        for keeps in [true, false] {
            let buffer = ContentBuffer()
            #expect(append([1], to: buffer))
            buffer.fail(ClientError(.responseDiscarded, "late"), keepingChunks: keeps)
            if keeps { #expect(try await buffer.next {}.get() == [1]) }
            await #expect(throws: ClientError.self) { try await buffer.next {}.get() }
        }
    }
}
