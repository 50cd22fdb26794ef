import Platform

@testable import Multipart

/// The header of a part: whatever one contains, it is written as exactly its lines, and read as the same head.
enum PartHeadCheck {
    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        guard let boundary = try? Boundary("B") else { return }
        let encoder = MultipartEncoder(boundary: boundary)
        try checkNames(input, encoder)
        let message = [Array("--B\r\n".utf8), Array(input), Array("\r\n\r\n\r\n--B--".utf8)].joined()
        guard let head = try read(Array(message), boundary) else { return }
        // Not every head can be written: not a NUL in a name, for example.
        guard let opening = try? encoder.opening(of: head) else { return }
        let lines = 3 + (head.contentType == nil ? 0 : 1) + head.otherFields.count
        try checkLines(opening, lines)
        let again = try read(opening + MultipartEncoder.partEnd + encoder.messageEnd, boundary)
        try compare(again, head)
    }

    /// Names that a client sends: the first line of the input is the name, all that follows is the filename.
    private static func checkNames(_ input: UnsafeRawBufferPointer, _ encoder: MultipartEncoder) throws(Violation) {
        let name = input.prefix { $0 != ASCII.lf }
        var head = PartHead(name: String(utf8OrLatin1: name))
        head.filenameBytes = Array(input.dropFirst(name.count + 1))
        guard let opening = try? encoder.opening(of: head) else {
            try require(name.contains(0) || head.filenameBytes?.contains(0) == true, "\(head) cannot be written")
            return
        }
        try checkLines(opening, 3)
        try compare(try read(opening + MultipartEncoder.partEnd + encoder.messageEnd, encoder.boundary), head)
    }

    /// A value cannot add a line to a header, which ends with an empty line.
    private static func checkLines(_ opening: [UInt8], _ count: Int) throws(Violation) {
        let text = String(decoding: opening, as: UTF8.self)
        let ends = opening.indices.count { opening[$0] == ASCII.lf && $0 > 0 && opening[$0 - 1] == ASCII.cr }
        try require(ends == count, "\(ends) lines instead of \(count): \(text.debugDescription)")
        let others = opening.count { $0 == ASCII.cr || $0 == ASCII.lf } - 2 * ends
        try require(others == 0, "a CR or LF outside of a line end: \(text.debugDescription)")
    }

    private static func read(_ message: [UInt8], _ boundary: Boundary) throws(Violation) -> PartHead? {
        let outcome = try message.withBytes { (bytes) throws(Violation) in
            try MultipartCheck.parse(bytes, splits: [], MultipartParser(boundary: boundary))
        }
        return outcome.error == nil && outcome.parts.count == 1 ? outcome.parts[0].head : nil
    }

    private static func compare(_ read: PartHead?, _ written: PartHead) throws(Violation) {
        guard let read else { throw Violation(description: "what was written of \(written) cannot be read") }
        let difference = "written: \(written), read: \(read)"
        try require((read.filename == nil) == (written.filename == nil), "a file is not a field: \(difference)")
        try require(read.contentType == written.contentType && read.otherFields == written.otherFields, difference)
        // Browsers escape no backslash, and no percent sign: `%22` and `\\` are ambiguous.
        let isPlain = { (byte: UInt8) in byte != ASCII.backslash && byte != UInt8(ascii: "%") }
        guard written.name.utf8.allSatisfy(isPlain), written.filenameBytes?.allSatisfy(isPlain) ?? true else { return }
        try require(read == written, difference)
    }
}
