extension RequestBody {
    /// The length of a body, found by reading all of it once; blocks no thread of the caller's.
    static func count(_ source: any Source) async throws(ClientError) -> Int64 {
        if let length = source.length { return length }
        return try await readThrough(source)
    }

    /// Reads a source once to its end, without using it up; blocks no thread of the caller's.
    ///
    /// - Returns: how many bytes it has.
    @discardableResult
    static func readThrough(_ source: any Source) async throws(ClientError) -> Int64 {
        try await withTaskExecutorPreference(BlockingExecutor.shared) { () throws(ClientError) in
            let (contents, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let context = ReadContext(priority: Task.currentPriority, isCounting: true) { continuation.yield() }
            let body = RequestBody(source, context: context)
            var iterator = contents.makeAsyncIterator()
            while try body.skip() {
                // Nil when the task is cancelled.
                guard await iterator.next() != nil else { throw ClientError.cancelled() }
            }
            return body.offset
        }
    }

    /// Reads the bytes that are there now.
    ///
    /// - Returns: whether more may follow.
    private func skip() throws(ClientError) -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer throws(ClientError) in
            while !Task.isCancelled {
                let outcome = try read(into: buffer)
                guard case .bytes = outcome else { return outcome == .waiting }
            }
            throw ClientError.cancelled()
        }
    }
}
