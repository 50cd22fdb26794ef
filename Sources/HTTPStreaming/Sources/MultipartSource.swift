internal import Multipart
internal import Synchronization

/// A `multipart/form-data` document: framing, and the sources of its parts.
///
/// It is a pure function of its boundary, its parts and an offset, so that it can be sent again from anywhere.
/// The one place that holds the parts of a request and knows whether more may be added.
final class MultipartSource: Source {
    /// One part, its framing written.
    struct FramedPart: Sendable {
        let name: String
        let filename: String?
        /// The framing before the content; behind it is a CRLF.
        let opening: [UInt8]
        let content: any Source

        var contentEnd: Int64? { content.length.map { Int64(opening.count) + $0 } }

        /// Bytes of the whole part; nil if its length is not known or beyond Int64.
        var length: Int64? {
            guard let length = content.length else { return nil }
            let (sum, isBeyond) = length.addingReportingOverflow(Int64(opening.count + MultipartEncoder.partEnd.count))
            return isBeyond ? nil : sum
        }

        var footprint: Int { opening.count + content.footprint }
    }

    /// How many bytes of memory the parts of an open request may take after they have been sent. Beyond that they are
    /// released, and the request can no longer be sent again.
    static let replayBudget = 1 << 20

    private struct State {
        /// Those that have not been released.
        var parts: [FramedPart] = []
        /// How many parts have been released, and the bytes that they were.
        var releasedCount = 0
        var releasedLength: Int64 = 0
        /// Of the parts that have been read and are kept.
        var readFootprint = 0
        var isFinished = false
    }

    let encoder: MultipartEncoder
    let isOpenEnded: Bool
    private let state = Mutex(State())

    /// - Parameter isOpenEnded: whether parts are added while the document is sent.
    init(isOpenEnded: Bool = false, encoder: MultipartEncoder = MultipartEncoder()) {
        self.isOpenEnded = isOpenEnded
        self.encoder = encoder
    }

    /// Adds parts; the last ones if `isLast`.
    func append(_ parts: [FramedPart], isLast: Bool) {
        state.withLock { state in
            state.parts += parts
            state.isFinished = isLast
        }
    }

    var name: String { "the form" }
    var mediaType: String? { encoder.boundary.contentType }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    var footprint: Int { state.withLock { $0.parts.reduce(0) { $0 + $1.footprint } } }
    var isInMemory: Bool { state.withLock { $0.isFinished && $0.parts.allSatisfy { $0.content.isInMemory } } }
    var isRepeatable: Bool { state.withLock { $0.parts.allSatisfy { $0.content.isRepeatable } } }

    var obstacle: String? {
        state.withLock { state in
            guard state.releasedCount == 0 else { return "parts that were sent have been released" }
            return state.parts.lazy.compactMap(\.content.obstacle).first
        }
    }

    /// One part is read at a time.
    var encoderCount: Int { state.withLock { $0.parts.reduce(0) { max($0, $1.content.encoderCount) } } }

    /// That of a part of unknown length: the next part may be longer.
    var demand: BufferDemand { encoderCount > 0 ? CodedReader.demand(nil, nil) : .none }

    /// Nil while parts may still be added, if the length of one is not known, or if the sum is beyond Int64.
    var length: Int64? {
        state.withLock { state in
            guard state.isFinished else { return nil }
            var length = state.releasedLength + Int64(encoder.messageEndLength)
            for part in state.parts {
                guard let partLength = part.length else { return nil }
                let (sum, isBeyond) = length.addingReportingOverflow(partLength)
                guard !isBeyond else { return nil }
                length = sum
            }
            return length
        }
    }

    /// - Throws: ``ClientError/Code/cannotSendAgain`` if the part at the offset has been released, or is behind a part
    ///   whose length is not known.
    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        if offset == 0, let obstacle { throw ClientError(.cannotSendAgain, obstacle) }
        state.withLock { $0.readFootprint = 0 }
        return try MultipartReader(self, offset: offset, context)
    }
}

extension MultipartSource {
    /// What the reader finds behind the parts that it has read.
    enum Next {
        case part(FramedPart)
        /// Nothing until more parts are added.
        case nothingYet
        case end
    }

    /// - Parameter index: counted from the first part of the request.
    func part(at index: Int) -> Next {
        state.withLock { state in
            let position = index - state.releasedCount
            if position < 0 { return .nothingYet }
            if position < state.parts.count { return .part(state.parts[position]) }
            return state.isFinished ? .end : .nothingYet
        }
    }

    /// Where the first part that has not been released begins.
    var firstKept: (index: Int, offset: Int64) { state.withLock { ($0.releasedCount, $0.releasedLength) } }

    /// Notes that a part has been read to its end. Releases all parts up to it where they would take too much memory.
    ///
    /// - Parameter offset: of the end of the part.
    func didReadPart(_ index: Int, endingAt offset: Int64) {
        guard isOpenEnded else { return }
        state.withLock { state in
            let position = index - state.releasedCount
            guard state.parts.indices.contains(position) else { return }
            state.readFootprint += state.parts[position].footprint
            guard state.readFootprint > Self.replayBudget else { return }
            state.parts.removeSubrange(...position)
            state.releasedCount = index + 1
            state.releasedLength = offset
            state.readFootprint = 0
        }
    }
}
