/// One iteration of an asynchronous sequence, by a task of its own, read by an agent.
final class StreamReader {
    private let queue: StreamQueue
    private let task: Task<Void, Never>

    init(_ content: StreamContent, context: BodyContext) {
        let queue = StreamQueue(onContent: context.onContent)
        self.queue = queue
        task = Task.detached(priority: context.priority) {
            do {
                try await content.forEachChunk { await queue.append($0) }
                queue.finish()
            } catch {
                queue.finish(throwing: error)
            }
        }
    }

    /// The sequence learns of it by cancellation.
    deinit {
        task.cancel()
        queue.close()
    }

    /// How many bytes there are now, and whether they are the last.
    var level: (bytes: Int, isLast: Bool) { queue.level }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> BodyRead { try queue.read(into: buffer) }
}
