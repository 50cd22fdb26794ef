extension Client {
    /// The progress of the client's requests from now on, as a new sequence for one task. It ends when the client is
    /// released. Does not block.
    ///
    /// ```swift
    /// let progress = client.progress
    /// let display = Task { for await progress in progress { show(progress) } }
    /// ```
    ///
    /// Delivers a value each ``Configuration/progressInterval`` while something changes, and one when a call has sent
    /// its parts, when the response is returned and when the request fails. A slow reader receives only the newest
    /// value and does not delay the transfer. Without a reader, nothing is counted.
    public var progress: AsyncStream<UploadProgress> { progressHub.subscribe().stream }

    /// Calls a closure with the values of ``progress`` while `body` runs, and at the end with the last value of
    /// `counter`. The closure runs in child tasks, one call at a time, never on the caller's actor.
    nonisolated(nonsending) func reporting<Result>(
        _ counter: ProgressCounter,
        to progress: (@Sendable (UploadProgress) -> Void)?,
        _ body: () async throws -> Result
    ) async throws -> Result {
        guard let progress else { return try await body() }
        counter.watch()
        let (values, continuation) = progressHub.subscribe()
        return try await withTaskGroup(of: UploadProgress?.self) { group in
            group.addTask {
                var last: UploadProgress?
                for await value in values {
                    progress(value)
                    last = value
                }
                return last
            }
            let result = await Swift.Result { try await body() }
            continuation.finish()
            // In another task, since the first one ends early when it is cancelled.
            let (last, final) = (await group.next() ?? nil, counter.progress)
            if final != last {
                group.addTask {
                    progress(final)
                    return nil
                }
            }
            return result
        }.get()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
