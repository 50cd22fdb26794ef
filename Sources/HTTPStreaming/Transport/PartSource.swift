internal import Platform

/// The content of one part, read from an offset on. Agent's turns only; what it holds open or
/// running ends with it.
struct PartSource: ByteSource {
    private enum Reading {
        case bytes([UInt8])
        case file(FileSource)
        case descriptor(DescriptorContent)
        case stream(StreamReader, StreamContent)
        case pipe(StreamQueue, ReadOnce)
        /// It could be read once only, and has been.
        case usedUp(name: String)
    }

    let isCompressed: Bool
    private let length: Int64?
    private(set) var offset: Int64
    private let reading: Reading
    /// What is to be waited for, by poll(2), before more can be read.
    private(set) var awaitedDescriptor: Int32?
    /// Of a descriptor something has been read.
    private var hasBegun = false
    private var hasEnded = false

    var isAtEnd: Bool { hasEnded || offset == length }

    /// - Parameter offset: 0 if the content is of unknown length, or can be read once only.
    init(_ part: PreparedPart, offset: Int64 = 0, context: BodyContext) {
        isCompressed = part.isCompressed
        length = part.content.length
        self.offset = offset
        reading =
            switch part.content {
            case .bytes(let bytes): .bytes(bytes)
            case .file(let content): .file(FileSource(content, context: context))
            case .descriptor(let content, _): .descriptor(content)
            case .pipe(let pipe, let once): .pipe(pipe, once)
            case .stream(let content):
                content.once?.begin() == false
                    ? .usedUp(name: content.name) : .stream(StreamReader(content, context: context), content)
            }
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead {
        awaitedDescriptor = nil
        let outcome = try readOn(into: buffer)
        if case .bytes(let count) = outcome { offset += Int64(count) }
        if outcome == .end { hasEnded = true }
        return outcome
    }

    private mutating func readOn(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead {
        if case .stream(let reader, let content) = reading { return try read(reader, content, into: buffer) }
        if case .pipe(let pipe, let once) = reading { return try read(pipe, once, into: buffer) }
        let left = length.map { $0 - offset } ?? .max
        guard left > 0 else { return .end }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
        switch reading {
        case .bytes(let bytes):
            room.copyBytes(from: bytes[Int(offset)...].prefix(room.count))
            return .bytes(room.count)
        case .file(let source):
            return try source.read(into: room, at: offset)
        case .descriptor(let content):
            return try read(content, into: room)
        case .usedUp(let name):
            throw ClientError.usedUp(name)
        case .stream, .pipe:
            preconditionFailure("has been read above")
        }
    }

    private mutating func read(
        _ content: DescriptorContent, into room: UnsafeMutableRawBufferPointer
    ) throws(ClientError) -> BodyRead {
        guard hasBegun || !content.once.isBegun else { throw ClientError.usedUp(content.name) }
        guard try content.isReadable() else {
            awaitedDescriptor = content.awaited
            return .waiting
        }
        // Not before there is something: what has not been read can still be sent again.
        guard hasBegun || content.once.begin() else { throw ClientError.usedUp(content.name) }
        hasBegun = true
        switch try content.read(into: room) {
        case .nothingYet:
            awaitedDescriptor = content.awaited
            return .waiting
        case .bytes(let count):
            if count == 0, let length { throw endedEarly(content.name, length) }
            return count == 0 ? .end : .bytes(count)
        }
    }

    /// What was written is to reach the server before more is: that is more than to wait.
    private func read(
        _ pipe: StreamQueue, _ once: ReadOnce, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ClientError) -> BodyRead {
        let outcome: BodyRead
        do {
            outcome = try pipe.read(into: buffer)
        } catch {
            preconditionFailure("a pipe is finished without an error")
        }
        if case .bytes = outcome { _ = once.begin() }
        return outcome == .waiting ? .dry : outcome
    }

    /// Of an announced length the last byte is kept back until the sequence has ended: a server never
    /// gets the whole of what is not what it was said to be.
    private func read(
        _ reader: StreamReader, _ content: StreamContent, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ClientError) -> BodyRead {
        var room = buffer
        if let length {
            let left = length - offset
            let level = reader.level
            guard level.bytes <= left else { throw tooLong(content.name, length) }
            let mayTake = level.isLast ? left : max(0, left - 1)
            room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), mayTake))])
        }
        let outcome: BodyRead
        do {
            outcome = try reader.read(into: room)
        } catch {
            throw ClientError(.sourceUnreadable, "\(content.name): \(error)", underlying: error)
        }
        if outcome == .end, let length, offset < length { throw endedEarly(content.name, length) }
        return outcome
    }

    private func endedEarly(_ name: String, _ length: Int64) -> ClientError {
        ClientError(.sourceChanged, "\(name): the source ended after \(offset) bytes of \(length)")
    }

    private func tooLong(_ name: String, _ length: Int64) -> ClientError {
        ClientError(.sourceChanged, "\(name): the source gave more than \(length) bytes, its length")
    }
}
