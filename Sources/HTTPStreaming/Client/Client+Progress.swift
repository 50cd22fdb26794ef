extension Client {
    /// How far the client's requests get, from now on: another sequence each time, for one task to
    /// iterate over. It ends with the client.
    ///
    /// ```swift
    /// let progress = client.progress
    /// let display = Task { for await progress in progress { show(progress) } }
    /// ```
    ///
    /// Gives a value each ``Configuration/progressInterval`` while something changes, and one whenever
    /// a call has sent its parts, the response is returned, or the request fails. Who is slow
    /// gets the newest only, and never holds up the transfer. As long as nobody listens, nothing is counted.
    public var progress: AsyncStream<UploadProgress> { progressHub.subscribe().stream }

    /// Calls `progress` with what ``progress`` gives while `body` runs, from a task of its own, and
    /// in the end with the last that `counter` knows.
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
            // Not by that task: it ends early when it is cancelled.
            let last = await group.next() ?? nil
            if counter.progress != last { progress(counter.progress) }
            return result
        }.get()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
