extension RequestBody {
    /// The length of a body, found by reading all of it once; blocks no thread of the caller's.
    static func count(
        _ parts: [PreparedPart], messageEnd: [UInt8], _ coding: Client.ContentCoding
    ) async throws -> Int64 {
        try await withTaskExecutorPreference(BlockingExecutor.shared) {
            let (contents, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let context = BodyContext(priority: Task.currentPriority) { continuation.yield() }
            let body = RequestBody(messageEnd: messageEnd, coding: coding, context: context)
            body.append(parts, isLast: true)
            if let length = body.length { return length }
            var iterator = contents.makeAsyncIterator()
            while try body.skip() {
                // Nil when the task is cancelled.
                guard await iterator.next() != nil else { throw ClientError.cancelled() }
            }
            return body.offset
        }
    }

    /// Reads what there is.
    ///
    /// - Returns: whether more comes.
    private func skip() throws(ClientError) -> Bool {
        var failure: ClientError?
        let outcome = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            do throws(ClientError) {
                while !Task.isCancelled {
                    let outcome = try read(into: buffer)
                    guard case .bytes = outcome else { return outcome }
                }
                throw ClientError.cancelled()
            } catch {
                failure = error
                return .end
            }
        }
        if let failure { throw failure }
        return outcome == .waiting
    }
}
