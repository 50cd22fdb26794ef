internal import Platform

extension MultipartParser {
    /// Reads content or preamble up to a delimiter or the end of the buffer. `matched` bytes of a delimiter precede
    /// `offset`.
    mutating func scan(
        _ buffer: UnsafeRawBufferPointer, at offset: inout Int, matched: Int
    ) throws(MultipartError) -> Event? {
        if matched > 0 {
            let more = search.matchLength(in: buffer, at: offset, from: matched)
            if matched + more == search.delimiter.count {
                offset += more
                state = .delimited(.nothing)
                return nil
            }
            if offset + more == buffer.count {
                offset += more
                hold(matched + more)
                return nil
            }
            // The held bytes are content. The bytes that matched in this buffer are content too. No
            // delimiter begins in them, so the search continues at `offset`.
            return try release(search.delimiter[..<matched])
        }
        let start = offset
        switch search.firstMatch(in: buffer, from: start) {
        case .none:
            offset = buffer.count
            return try pass(start..<buffer.count)
        case .partial(let index):
            offset = buffer.count
            hold(buffer.count - index)
            return try pass(start..<index)
        case .whole(let index):
            offset = index + search.delimiter.count
            state = .delimited(.nothing)
            return try pass(start..<index)
        }
    }

    /// Reads the rest of a delimiter's line: `--`, or white space and a line break (RFC 2046 §5.1.1). If the boundary is
    /// followed by anything else, it is content, such as a longer boundary of which this one is a prefix.
    ///
    /// A bare LF is a line break only in a message whose very first line is a delimiter that ends with it. Scripts that
    /// print a body send such messages, and Go's `mime/multipart` reads them. Nothing becomes ambiguous: without this rule,
    /// such a message would have no delimiter before the next CRLF.
    mutating func readDelimiterLine(
        _ byte: UInt8, at offset: inout Int, tail: Tail
    ) throws(MultipartError) -> Event? {
        switch tail {
        case .nothing where byte == ASCII.dash:
            state = .delimited(.dash)
        case .nothing where byte == ASCII.lf && isAtStart:
            lineBreak = [ASCII.lf]
            offset += 1
            return endPart(then: .header)
        case .nothing where byte == ASCII.cr && !linesEndWithLF:
            state = .delimited(.cr)
        case .nothing where ASCII.isWhiteSpace(byte):
            state = .delimited(.padding(1))
        case .padding(let count) where ASCII.isWhiteSpace(byte) && count < limits.headerBytes:
            state = .delimited(.padding(count + 1))
        case .padding where byte == ASCII.cr && !linesEndWithLF:
            state = .delimited(.paddingCR)
        case .cr where byte == ASCII.lf, .paddingCR where byte == ASCII.lf,
            .nothing where byte == ASCII.lf && linesEndWithLF, .padding where byte == ASCII.lf && linesEndWithLF:
            offset += 1
            return endPart(then: .header)
        case .dash where byte == ASCII.dash:
            offset += 1
            ignored = 0
            guard let partEnd = endPart(then: .epilogue) else { return .messageEnded }
            pending = .messageEnded
            return partEnd
        case .padding, .paddingCR:
            throw MultipartError(
                .malformedDelimiter,
                "a delimiter is followed by white space and then by something other than a line break"
            )
        case .nothing:
            return try release(search.delimiter[...])
        case .dash:
            return try release((search.delimiter + [ASCII.dash])[...])
        case .cr:
            // This CR is content too, but it may begin a delimiter.
            return try release(search.delimiter[...], hold: 1)
        }
        offset += 1
        return nil
    }

    private var linesEndWithLF: Bool { lineBreak.count == 1 }

    /// Whether the current delimiter is at the start of the message.
    private var isAtStart: Bool { !inPart && parts == 0 && ignored == 0 && implied == 2 }

    private mutating func endPart(then next: State) -> Event? {
        state = next
        header = HeaderBlock()
        guard inPart else { return nil }
        inPart = false
        return .partEnded
    }

    /// Records that the buffer ends with the first `matched` bytes of a delimiter.
    private mutating func hold(_ matched: Int) {
        state = inPart ? .content(matched: matched) : .preamble(matched: matched)
    }

    /// Treats held bytes as content, except those that are not in the input.
    private mutating func release(
        _ held: ArraySlice<UInt8>, hold matched: Int = 0
    ) throws(MultipartError) -> Event? {
        let bytes = held.dropFirst(implied)
        implied = 0
        hold(matched)
        guard inPart else {
            try ignore(preamble: bytes.count)
            return nil
        }
        return bytes.isEmpty ? nil : .heldContent(bytes)
    }

    /// Treats these bytes of the buffer as content, or as preamble before the first part.
    private mutating func pass(_ range: Range<Int>) throws(MultipartError) -> Event? {
        guard inPart else {
            try ignore(preamble: range.count)
            return nil
        }
        return range.isEmpty ? nil : .content(range)
    }

    private mutating func ignore(preamble count: Int) throws(MultipartError) {
        ignored += count
        if ignored > limits.preambleBytes {
            throw MultipartError(
                .preambleTooLarge,
                "more than \(limits.preambleBytes) bytes precede the first delimiter"
            )
        }
    }
}
