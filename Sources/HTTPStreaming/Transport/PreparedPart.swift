internal import ContentCoding
internal import Multipart

/// A part ready to be sent: its framing is made, and where it is a file, the file has been looked
/// at.
struct PreparedPart {
    enum Content {
        case bytes([UInt8])
        case file(path: String, FileReader.Identity, Range<Int64>)

        var length: Int64 {
            switch self {
            case .bytes(let bytes): Int64(bytes.count)
            case .file(_, _, let range): Int64(range.count)
            }
        }
    }

    let opening: [UInt8]
    /// As its source has it.
    let content: Content
    /// What it is compressed with on its way; nil if it is sent as it is.
    let gzipLevel: Int?
    /// Whether the content, as it is sent, is known to be compressed.
    let isCompressed: Bool

    /// Opens a file and closes it again: the parts of a request may be more than the descriptors
    /// that a process may have.
    ///
    /// - Parameter recognizesCompressed: whether it matters what is compressed.
    init(_ part: Part, encoder: MultipartEncoder, recognizesCompressed: Bool) throws(ClientError) {
        do throws(MultipartError) {
            opening = try encoder.opening(of: part.head)
        } catch {
            throw ClientError(.invalidPart, "the part \(part.head.name) cannot be sent: \(error)", underlying: error)
        }
        guard (0...9).contains(part.gzipLevel ?? 0) else {
            throw ClientError(.invalidPart, "the part \(part.head.name) cannot be sent: its gzip level is not 0 to 9")
        }
        var start: [UInt8] = []
        switch part.source {
        case .bytes(let bytes):
            content = .bytes(bytes)
            if recognizesCompressed { start = Array(bytes.prefix(CompressedFormat.signatureLength)) }
        case .file(let path, let range):
            let file = try FileReader(path: path)
            let whole = 0..<file.identity.size
            let range = range ?? whole
            guard whole.lowerBound <= range.lowerBound, range.upperBound <= whole.upperBound else {
                throw ClientError(
                    .sourceUnreadable, "\(path): bytes \(range) are not all within the file's \(whole.upperBound)")
            }
            content = .file(path: path, file.identity, range)
            if recognizesCompressed {
                start = try file.bytes(at: range.lowerBound, atMost: CompressedFormat.signatureLength)
            }
        }
        gzipLevel = part.gzipLevel
        isCompressed = recognizesCompressed && (gzipLevel != nil || CompressedFormat.isRecognized(start))
    }

    /// Of the whole part, framing included; nil if it is not known before it is sent.
    var length: Int64? {
        guard gzipLevel == nil else { return nil }
        return Int64(opening.count) + content.length + Int64(MultipartEncoder.partEnd.count)
    }

    /// What keeping the part costs in memory.
    var footprint: Int {
        switch content {
        case .bytes(let bytes): opening.count + bytes.count
        case .file(let path, _, _): opening.count + path.utf8.count
        }
    }
}
