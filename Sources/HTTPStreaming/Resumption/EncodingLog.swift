internal import ContentCoding
internal import Synchronization

/// What another reader needs to make the same coded bytes again, from a place near the ones that are missing: checkpoints of
/// the encoder, and where it was told to end a block.
final class EncodingLog: Sendable {
    typealias Checkpoint = ParallelEncoder<DeflateBlockCoder>.Checkpoint

    /// Something that the encoder was told between two bytes of content.
    enum Event: Equatable {
        /// To end the block.
        case flush
        /// To add an empty block.
        case emptyBlock
    }

    /// The least distance between checkpoints, in bytes of content.
    static let interval: Int64 = 4 << 20
    /// The maximum numbers of checkpoints and of events. If there are more checkpoints, half of them are removed; if there are
    /// more events, those before the last checkpoint.
    static let limit = 1024

    private struct State {
        var checkpoints: [Checkpoint] = []
        var interval = EncodingLog.interval
        /// By the offset in the content.
        var events: [(offset: Int64, event: Event)] = []
        /// The offset in the coded bytes before which nothing can be made again.
        var start: Int64 = 0
    }

    private let state: Mutex<State>

    init(_ checkpoints: [Checkpoint] = []) { state = Mutex(State(checkpoints: checkpoints)) }

    /// The checkpoints, if nothing else is needed to make the coded bytes again; nil if blocks were ended early.
    var reproducible: [Checkpoint]? { state.withLock { $0.events.isEmpty ? $0.checkpoints : nil } }

    /// Notes the end of a block.
    func add(_ checkpoint: Checkpoint) {
        state.withLock { state in
            let last = state.checkpoints.last?.contentLength ?? 0
            guard checkpoint.contentLength >= last + state.interval else { return }
            state.checkpoints.append(checkpoint)
            guard state.checkpoints.count > Self.limit else { return }
            state.interval *= 2
            state.checkpoints = state.checkpoints.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        }
    }

    /// Notes what the encoder was told at this offset of the content.
    func add(_ event: Event, at offset: Int64) {
        state.withLock { state in
            if event == .flush, let last = state.events.last, last == (offset, .flush) { return }
            state.events.append((offset, event))
            guard state.events.count > Self.limit else { return }
            // Without a checkpoint the coded bytes can be made again from their beginning only, which needs all events.
            guard let checkpoint = state.checkpoints.last else { return }
            state.checkpoints = [checkpoint]
            state.start = checkpoint.codedLength
            state.events.removeAll { $0.offset < checkpoint.contentLength }
        }
    }

    /// The last checkpoint before an offset of the coded bytes; nil for their beginning.
    ///
    /// - Throws: ``ClientError/Code/cannotSendAgain`` if earlier notes, which are needed for it, have been removed.
    func checkpoint(before offset: Int64, _ name: String) throws(ClientError) -> Checkpoint? {
        let (checkpoint, isKept) = state.withLock { state in
            (state.checkpoints.last { $0.codedLength <= offset }, offset >= state.start)
        }
        guard isKept else {
            throw ClientError(.cannotSendAgain, "\(name): the compressed bytes needed can no longer be made again")
        }
        return checkpoint
    }

    /// The next event at an offset of the content, or after it.
    ///
    /// - Parameter index: the number of events that were already replayed of those that ``firstEvent(from:)`` counts from.
    func event(at index: Int) -> (offset: Int64, event: Event)? {
        state.withLock { state in state.events.indices.contains(index) ? state.events[index] : nil }
    }

    /// The index of the first event at this offset of the content, or after it.
    func firstEvent(from offset: Int64) -> Int {
        state.withLock { state in state.events.firstIndex { $0.offset >= offset } ?? state.events.count }
    }

    /// Forgets what only the coded bytes before an offset need.
    ///
    /// - Returns: the offset in the content before which it is not needed any more.
    func acknowledged(to offset: Int64) -> Int64 {
        state.withLock { state in
            guard let index = state.checkpoints.lastIndex(where: { $0.codedLength <= offset }) else { return 0 }
            let checkpoint = state.checkpoints[index]
            state.checkpoints.removeSubrange(..<index)
            state.start = checkpoint.codedLength
            return checkpoint.contentLength
        }
    }
}
