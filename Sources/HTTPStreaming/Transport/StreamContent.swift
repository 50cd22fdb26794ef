/// What an asynchronous sequence gives, as the content of a part.
final class StreamContent: Sendable {
    /// What errors call it.
    let name: String
    /// In bytes, if it is known.
    let length: Int64?
    /// Nil if the sequence can be made anew.
    let once: ReadOnce?
    private let iterate: Part.ChunkIteration

    init(name: String, length: Int64?, once: ReadOnce?, iterate: @escaping Part.ChunkIteration) {
        self.name = name
        self.length = length
        self.once = once
        self.iterate = iterate
    }

    /// Calls `body` with each chunk, until that returns false.
    func forEachChunk(_ body: (ArraySlice<UInt8>) async -> Bool) async throws { try await iterate(body) }
}
