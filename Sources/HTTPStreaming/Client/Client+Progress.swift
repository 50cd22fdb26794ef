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
}

extension Result {
    /// The value that `body` returns, or the error that it throws.
    init(_ body: () async throws(Failure) -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
