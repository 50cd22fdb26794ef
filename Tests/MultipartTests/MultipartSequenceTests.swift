import TestSupport
import Testing

@testable import Multipart

/// `ParserHarness.parse` also reads every message of the parser's tests through sequences.
@Suite("Multipart sequence", .timeLimit(.minutes(3)))
struct MultipartSequenceTests {
    private static let type = "multipart/form-data; boundary=B"
    /// A part that may go on.
    private static func opening(_ name: String, _ content: String, _ parameters: String = "") -> String {
        "--B\r\nContent-Disposition: form-data; name=\(name)\(parameters)\r\n\r\n\(content)"
    }
    private static func part(_ name: String, _ content: String, _ parameters: String = "") -> String {
        opening(name, content, parameters) + "\r\n"
    }
    private let two = Self.part("a", "first") + Self.part("b", "second") + "--B--\r\n"

    private func sequence(
        _ chunks: String..., error: (any Error)? = nil
    ) throws -> MultipartSequence<Chunks<[UInt8]>> {
        try MultipartSequence(Chunks(chunks.map { Array($0.utf8) }, error: error), contentType: Self.type)
    }

    @Test("content is a slice of the source's chunk, not a copy") func slices() async throws {
        let chunk = Array((Self.part("a", String(repeating: "x", count: 1000)) + "--B--").utf8)
        let source = Chunks([chunk])
        var addresses = 0
        for try await part in try MultipartSequence(source, contentType: Self.type) {
            for try await slice in part.body {
                chunk.withUnsafeBytes { chunk in
                    slice.withUnsafeBytes { slice in
                        let content = chunk.dropLast("\r\n--B--".utf8.count).suffix(1000)
                        #expect(slice.baseAddress == UnsafeRawBufferPointer(rebasing: content).baseAddress)
                    }
                }
                addresses += 1
            }
        }
        #expect(addresses == 1)
    }

    @Test("a part that is not read, or not to its end, is skipped", arguments: [0, 1, 2]) func skipped(read: Int)
        async throws
    {
        var seen: [String] = []
        for try await part in try sequence(Self.opening("a", "x"), "y", "z\r\n" + Self.part("b", "second"), "--B--") {
            if part.head.name == "a" {
                var iterator = part.body.makeAsyncIterator()
                for _ in 0..<read { _ = try await iterator.next() }
                seen.append("a")
            } else {
                seen.append(try await part.text(limit: 6))
            }
        }
        #expect(seen == ["a", "second"])
    }

    @Test("a second iteration of a body continues the first one, and stays at its end") func secondIteration()
        async throws
    {
        for try await part in try sequence(Self.opening("a", "x"), "y", "z\r\n--B--") {
            for try await chunk in part.body {
                #expect(chunk == [UInt8(ascii: "x")])
                break
            }
            #expect(try await part.text(limit: 100) == "yz")
            #expect(try await part.bytes(limit: 0) == [])
        }
    }

    @Test("the content of a part that has been passed throws an error, and the message can be read on")
    func passed() async throws {
        var iterator = try sequence(two).makeAsyncIterator()
        let first = try #require(try await iterator.next())
        let second = try #require(try await iterator.next())
        #expect(await code { _ = try await first.bytes(limit: 100) } == .partPassed)
        #expect(try await second.text(limit: 100) == "second")
        #expect(try await iterator.next() == nil)
        #expect(await code { _ = try await second.bytes(limit: 100) } == .partPassed)
        #expect(try await iterator.next() == nil)
    }

    @Test("the source is asked for a chunk only when it is needed, and read to its end") func backPressure()
        async throws
    {
        let source = Chunks([
            Array((Self.part("a", "first") + Self.opening("b", "")).utf8), Array("second".utf8),
            Array("\r\n--B--".utf8),
            Array("epilogue".utf8),
        ])
        var iterator = try MultipartSequence(source, contentType: Self.type).makeAsyncIterator()
        #expect(source.counter.asked == 0)
        #expect(try await iterator.next()?.text(limit: 5) == "first")
        let second = try #require(try await iterator.next())
        #expect(source.counter.asked == 1)
        var body = second.body.makeAsyncIterator()
        #expect(try await body.next() == Array("second".utf8)[...])
        #expect(source.counter.asked == 2)
        #expect(try await body.next() == nil)
        #expect(source.counter.asked == 3)
        #expect(try await iterator.next() == nil)
        #expect(source.counter.asked == 5)
        #expect(try await iterator.next() == nil)
        #expect(source.counter.asked == 5)
    }

    @Test("an error of the source is thrown by every later read", arguments: [1, 2, 3]) func sourceError(place: Int)
        async throws
    {
        struct Reset: Error {}
        let cut = place == 1 ? "--B\r\nX" : place == 2 ? Self.opening("a", "first") : two
        var iterator = try sequence(cut, error: Reset()).makeAsyncIterator()
        if place == 2 {
            let part = try #require(try await iterator.next())
            await #expect(throws: Reset.self) { try await part.bytes(limit: 100) }
            await #expect(throws: Reset.self) { try await part.bytes(limit: 100) }
        } else if place == 3 {
            _ = try await iterator.next()
            _ = try await iterator.next()
        }
        for _ in 0..<2 {
            do {
                _ = try await iterator.next()
                Issue.record("no error")
            } catch is Reset {}
        }
    }

    @Test("a message that ends early is an error of the part's body, and of the next part") func truncated()
        async throws
    {
        var iterator = try sequence(Self.opening("a", "fir")).makeAsyncIterator()
        let part = try #require(try await iterator.next())
        #expect(await code { _ = try await part.text(limit: 100) } == .truncated)
        var failure: MultipartError?
        do { _ = try await iterator.next() } catch { failure = error as? MultipartError }
        #expect(failure?.code == .truncated)
    }

    @Test("a cancelled task gets CancellationError, also if the source does not notice") func cancelled() async throws {
        let chunks = [Self.opening("a", "first"), "second", "\r\n--B--"].map { Array($0.utf8) }
        let task = Task {
            var seen = 0
            do {
                for try await part in try MultipartSequence(Chunks(chunks), contentType: Self.type) {
                    for try await chunk in part.body {
                        seen += chunk.count
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                }
                return (seen, nil as (any Error)?)
            } catch {
                return (seen, error)
            }
        }
        let (seen, error) = await task.value
        #expect(seen == 5)
        #expect(error is CancellationError)
    }

    @Test("a task that is cancelled while it waits gets CancellationError") func cancelledWhileWaiting() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        continuation.yield(Array(Self.opening("a", "first").utf8))
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for try await part in try MultipartSequence(stream, contentType: Self.type) {
                for try await _ in part.body { start.yield() }
            }
        }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("two tasks of an actor that read at the same time get an error") func concurrentRead() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let reading = Reading(try MultipartSequence(stream, contentType: Self.type))
        async let first = reading.next()
        while await !reading.isReading { await Task.yield() }
        #expect(await reading.next() == "concurrentRead")
        continuation.yield(Array(two.utf8))
        continuation.finish()
        #expect(await first == "a")
    }

    @Test("bytes and text are limited, and text must be UTF-8") func limits() async throws {
        for (limit, expected) in [
            (4, MultipartError.Code.contentTooLarge), (5, nil), (.max, nil), (-1, .contentTooLarge),
        ] {
            for try await part in try sequence(Self.opening("a", "fir"), "st\r\n--B--") {
                #expect(await code { _ = try await part.bytes(limit: limit) } == expected)
            }
        }
        let invalid =
            Array(Self.opening("a", "").utf8) + [0xFF] + Array("\r\n--B--".utf8)
        for try await part in try MultipartSequence(Chunks([invalid]), contentType: Self.type) {
            #expect(await code { _ = try await part.text(limit: 1) } == .invalidText)
        }
    }

    @Test("the fields of a form are read in memory, its files by a closure") func fields() async throws {
        let form =
            Self.part("a", "1") + Self.part("f", "file", "; filename=x") + Self.part("b", "") + Self.part("a", "é")
            + "--B--"
        var files: [String] = []
        let fields = try await sequence(form).fields(limit: 6) { files.append(try await $0.text(limit: 100)) }
        #expect(fields == ["a": ["1", "é"], "b": [""]])
        #expect(files == ["file"])
        #expect(try await sequence(form).fields(limit: 6) == fields)
        #expect(await code { _ = try await sequence(form).fields(limit: 5) } == .contentTooLarge)
        #expect(await code { _ = try await sequence(Self.part("a", "1")).fields(limit: 5) } == .truncated)
        #expect(
            await code { _ = try await sequence(Self.part("long", "") + "--B--").fields(limit: 3) } == .contentTooLarge)
    }

    @Test("messages of other multipart types may have parts without a name, and nest") func otherTypes() async throws {
        let inner =
            "--I\r\nContent-Disposition: attachment; filename=f\r\nContent-Type: text/plain\r\n\r\none\r\n"
            + "--I\r\n\r\ntwo\r\n--I--"
        let outer = "--B\r\nContent-Type: multipart/mixed; boundary=\"I\"\r\n\r\n\(inner)\r\n--B--"
        var seen: [String] = []
        let source = Chunks(outer.utf8.map { [$0] })
        for try await part in try MultipartSequence(source, contentType: "Multipart/Related; boundary=B") {
            #expect(part.head.name == "" && part.head.filename == nil)
            for try await nested in try MultipartSequence(part.body, contentType: part.head.contentType) {
                seen.append(
                    "\(nested.head.filename ?? "-") \(nested.head.otherFields.count) \(try await nested.text(limit: 3))"
                )
            }
        }
        #expect(seen == ["f 1 one", "- 0 two"])
    }

    @Test("a form's parts need a name", arguments: ["attachment; name=a", "form-data"]) func formHeads(value: String)
        async throws
    {
        let message = "--B\r\nContent-Disposition: \(value)\r\n\r\nx\r\n--B--"
        #expect(await code { for try await _ in try sequence(message) {} } == .malformedContentDisposition)
        #expect(
            await code { for try await _ in try sequence("--B\r\n\r\nx\r\n--B--") {} } == .missingContentDisposition)
    }

    @Test(
        "the Content-Type must be multipart with a boundary",
        arguments: [
            (nil, MultipartError.Code.notMultipart), ("", .notMultipart), ("text/plain; boundary=B", .notMultipart),
            ("multipart", .notMultipart), ("multipart/; boundary=B", .notMultipart),
            ("xmultipart/mixed; boundary=B", .notMultipart),
            ("multipart/mixed", .missingBoundary), ("multipart/form-data; boundary=\"\"", .invalidBoundary),
            ("multipart/form-data; boundary=a; boundary=b", .invalidBoundary),
        ])
    func contentType(value: String?, expected: MultipartError.Code) async {
        #expect(await code { _ = try MultipartSequence(Chunks([[UInt8]]()), contentType: value) } == expected)
    }

    private func code(_ body: () async throws -> Void) async -> MultipartError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? MultipartError)?.code ?? MultipartError.Code(description: "\(error)")
        }
    }
}

/// An actor that reads a message in several tasks.
private actor Reading {
    private var iterator: MultipartSequence<AsyncStream<[UInt8]>>.AsyncIterator
    private(set) var isReading = false

    init(_ sequence: MultipartSequence<AsyncStream<[UInt8]>>) { iterator = sequence.makeAsyncIterator() }

    func next() async -> String? {
        isReading = true
        var iterator = iterator
        do {
            return try await iterator.next(isolation: self)?.head.name
        } catch {
            return (error as? MultipartError)?.code.description
        }
    }
}
