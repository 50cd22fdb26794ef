internal import Multipart
internal import Synchronization

/// A `multipart/form-data` message: framing, and the sources of its parts.
///
/// Holds the parts of a request and whether more may follow. Its bytes depend only on the boundary and the parts, so it
/// can be sent again from any offset.
final class MultipartSource: Source {
    /// One part with its framing.
    final class FramedPart: Sendable {
        let name: String
        let filename: String?
        /// The framing before the content. A CRLF follows the content.
        let opening: [UInt8]
        let content: any Source
        /// The length of content of unknown length, once it has been read to its end; -1 before.
        private let measured = Atomic<Int64>(-1)

        init(name: String, filename: String?, opening: [UInt8], content: any Source) {
            self.name = name
            self.filename = filename
            self.opening = opening
            self.content = content
        }

        /// The length of the content, if it is known or has been read to its end.
        var contentLength: Int64? {
            if let length = content.length { return length }
            let length = measured.load(ordering: .relaxed)
            return length < 0 ? nil : length
        }

        /// Notes the length of the content, which was read to its end.
        func measured(_ length: Int64) { measured.store(length, ordering: .relaxed) }

        /// The length of the whole part; nil if it is unknown or exceeds Int64.
        var length: Int64? {
            Self.length(opening: opening, content: content.length)
        }

        /// The length of a whole part; nil if it is unknown or exceeds Int64.
        static func length(opening: [UInt8], content: Int64?) -> Int64? {
            guard let length = content else { return nil }
            let (sum, isBeyond) = length.addingReportingOverflow(Int64(opening.count + MultipartEncoder.partEnd.count))
            return isBeyond ? nil : sum
        }

        /// The length of the whole part, if it is known or the part has been read to its end.
        var measuredLength: Int64? {
            contentLength.map { $0 + Int64(opening.count + MultipartEncoder.partEnd.count) }
        }

        var footprint: Int { opening.count + content.footprint }
    }

    /// The maximum memory in bytes for the sent parts of an open request. Beyond that they are released, and the
    /// request can no longer be sent again.
    static let replayBudget = 1 << 20
    /// The same for an upload that may be resumed: what the network has, and the server has not confirmed.
    static let resumptionBudget = 8 << 20

    fileprivate struct State {
        /// The parts that have not been released.
        fileprivate(set) var parts: [FramedPart] = []
        /// The sum over these parts, and the maximum over all parts: an open request asks for both with each part.
        fileprivate(set) var heldMemory = 0
        fileprivate(set) var encoderCount = 0
        /// The number of released parts, and their total length.
        var releasedCount = 0
        var releasedLength: Int64 = 0
        /// The memory of the parts that have been read but not released.
        var readFootprint = 0
        /// The server keeps the message up to this offset.
        var acknowledged: Int64 = 0
        var isFinished = false
    }

    let encoder: MultipartEncoder
    let isOpenEnded: Bool
    private let state = Mutex(State())

    private let replayBudget: Int

    /// - Parameters:
    ///   - isOpenEnded: whether parts are added while the message is sent.
    ///   - replayBudget: the maximum memory in bytes for parts that were sent.
    init(
        isOpenEnded: Bool = false, replayBudget: Int = MultipartSource.replayBudget,
        encoder: MultipartEncoder = MultipartEncoder()
    ) {
        self.replayBudget = replayBudget
        self.isOpenEnded = isOpenEnded
        self.encoder = encoder
    }

    /// Adds parts. After `isLast` no more may follow.
    func append(_ parts: [FramedPart], isLast: Bool) {
        state.withLock { state in
            state.append(parts)
            state.isFinished = isLast
        }
    }

    var journalEntry: UploadJournal.Entry? {
        let (parts, isWhole) = state.withLock { ($0.parts, $0.isFinished && $0.releasedCount == 0) }
        guard isWhole else { return nil }
        var entries: [UploadJournal.Part] = []
        for part in parts {
            guard let content = part.content.journalEntry else { return nil }
            entries.append(
                UploadJournal.Part(name: part.name, filename: part.filename, opening: part.opening, content: content))
        }
        return .multipart(boundary: encoder.boundary.description, entries)
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

    var heldMemory: Int { state.withLock { $0.heldMemory } }

    /// The maximum over the parts: they are read one at a time.
    var encoderCount: Int { state.withLock { $0.encoderCount } }

    /// The demand of a part of unknown length, since a later part may be longer.
    var demand: BufferDemand { encoderCount > 0 ? CodedReader.demand(nil, nil) : .none }

    /// Nil while parts may still be added, if the length of one is unknown, or if the sum exceeds Int64.
    var length: Int64? {
        state.withLock { state in
            guard state.isFinished else { return nil }
            return Self.length(encoder, state.parts.lazy.map(\.length), after: state.releasedLength)
        }
    }

    /// The length of a message with parts of these lengths; nil if one is unknown, or if the sum exceeds Int64.
    ///
    /// - Parameter released: the length of the parts before them.
    static func length(
        _ encoder: MultipartEncoder, _ parts: some Sequence<Int64?>, after released: Int64 = 0
    ) -> Int64? {
        var length = released + Int64(encoder.messageEndLength)
        for part in parts {
            guard let part else { return nil }
            let (sum, isBeyond) = length.addingReportingOverflow(part)
            guard !isBeyond else { return nil }
            length = sum
        }
        return length
    }

    /// - Throws: ``ClientError/Code/cannotSendAgain`` if the part at the offset has been released, or follows a part
    ///   of unknown length.
    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        if offset == 0, let obstacle { throw ClientError(.cannotSendAgain, obstacle) }
        if offset == 0 { state.withLock { $0.readFootprint = 0 } }
        return try MultipartReader(self, offset: offset, context)
    }
}

extension MultipartSource {
    /// The next piece after the parts that were read.
    enum Next {
        case part(FramedPart)
        /// More parts may be added.
        case nothingYet
        case end
    }

    /// - Parameter index: the index in the request, from 0.
    func part(at index: Int) -> Next {
        state.withLock { state in
            let position = index - state.releasedCount
            if position < 0 { return .nothingYet }
            if position < state.parts.count { return .part(state.parts[position]) }
            return state.isFinished ? .end : .nothingYet
        }
    }

    /// The index and offset of the first part that has not been released.
    var firstKept: (index: Int, offset: Int64) { state.withLock { ($0.releasedCount, $0.releasedLength) } }

    func acknowledged(to offset: Int64) {
        let contents = state.withLock { state in
            state.acknowledged = max(state.acknowledged, offset)
            return state.contents(before: offset)
        }
        for (content, offset) in contents { content.acknowledged(to: offset) }
    }

    /// Notes that a part has been read completely. Releases all parts up to it if they exceed ``replayBudget``, unless it is
    /// enough to release those that the server keeps.
    ///
    /// - Parameter offset: the offset of the end of the part.
    func didReadPart(_ index: Int, endingAt offset: Int64) {
        guard isOpenEnded else { return }
        state.withLock { state in
            let position = index - state.releasedCount
            guard state.parts.indices.contains(position) else { return }
            state.readFootprint += state.parts[position].footprint
            guard state.readFootprint > replayBudget else { return }
            state.releaseAcknowledged(before: index)
            guard state.readFootprint > replayBudget else { return }
            state.release(index + 1 - state.releasedCount)
            state.releasedLength = offset
            state.readFootprint = 0
        }
    }
}

extension MultipartSource.State {
    fileprivate mutating func append(_ added: [MultipartSource.FramedPart]) {
        parts += added
        for part in added {
            heldMemory += part.content.heldMemory
            encoderCount = max(encoderCount, part.content.encoderCount)
        }
    }

    /// Releases the first parts.
    fileprivate mutating func release(_ count: Int) {
        for part in parts.prefix(count) { heldMemory -= part.content.heldMemory }
        parts.removeFirst(count)
        releasedCount += count
    }

    /// The contents that begin before an offset of the message, each with the offset in it.
    fileprivate func contents(before offset: Int64) -> [(any Source, Int64)] {
        var contents: [(any Source, Int64)] = []
        var start = releasedLength
        for part in parts {
            let contentOffset = offset - start - Int64(part.opening.count)
            guard contentOffset > 0 else { break }
            contents.append((part.content, contentOffset))
            guard let length = part.measuredLength else { break }
            start += length
        }
        return contents
    }

    /// Releases the first parts, up to the one at `index`, that the server keeps.
    fileprivate mutating func releaseAcknowledged(before index: Int) {
        while releasedCount < index, let part = parts.first, let length = part.measuredLength,
            releasedLength + length <= acknowledged
        {
            release(1)
            releasedLength += length
            readFootprint = max(0, readFootprint - part.footprint)
        }
    }
}
