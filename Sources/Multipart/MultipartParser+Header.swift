internal import Platform

extension MultipartParser {
    /// The part of the current header that has been read.
    struct HeaderBlock: Sendable {
        var bytes: [UInt8] = []
        var lineStart = 0
        var lines = 0
    }

    /// Reads header lines up to the empty line or the end of the buffer.
    mutating func readHeader(
        _ buffer: UnsafeRawBufferPointer, at offset: inout Int
    ) throws(MultipartError) -> PartHead? {
        while offset < buffer.count {
            let room = limits.headerBytes - header.bytes.count
            // Reading one byte more than the limit detects that the header is too large.
            let window = buffer[offset...].prefix(min(buffer.count - offset - 1, max(room, 0)) + 1)
            let lineEnd = window.firstIndex(of: ASCII.lf)
            let read = window[..<(lineEnd.map { $0 + 1 } ?? window.endIndex)]
            offset += read.count
            guard read.count <= room else {
                throw MultipartError(
                    .headerTooLarge, "the header of a part has more than \(limits.headerBytes) bytes"
                )
            }
            header.bytes += read
            guard lineEnd != nil else { continue }

            // Stored with CRLF.
            if lineBreak.count == 1 { header.bytes.insert(ASCII.cr, at: header.bytes.count - 1) }
            let line = header.bytes[header.lineStart...]
            guard line.dropLast().last == ASCII.cr else {
                throw MultipartError(.malformedHeaderLine, "a header line of a part does not end with CRLF")
            }
            if line.count == 2 {
                return try PartHead(parsing: header.bytes[..<header.lineStart], isFormData: isFormData)
            }
            header.lines += 1
            guard header.lines <= limits.headerLines else {
                throw MultipartError(
                    .tooManyHeaderLines, "the header of a part has more than \(limits.headerLines) lines"
                )
            }
            header.lineStart = header.bytes.count
        }
        return nil
    }
}
