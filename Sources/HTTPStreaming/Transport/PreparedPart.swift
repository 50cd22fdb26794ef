internal import Multipart

/// A part ready to be sent: its framing is made and its length known, and where it is a file, the
/// file has been looked at.
struct PreparedPart {
    enum Content {
        case bytes([UInt8])
        case file(path: String, FileReader.Identity)
    }

    let opening: [UInt8]
    let content: Content

    /// Opens a file and closes it again: the parts of a request may be more than the descriptors
    /// that a process may have.
    init(_ part: Part, encoder: MultipartEncoder) throws(ClientError) {
        do throws(MultipartError) {
            opening = try encoder.opening(of: part.head)
        } catch {
            throw ClientError(.invalidPart, "the part \(part.head.name) cannot be sent: \(error)", underlying: error)
        }
        switch part.source {
        case .bytes(let bytes): content = .bytes(bytes)
        case .file(let path): content = .file(path: path, try FileReader(path: path).identity)
        }
    }

    var contentLength: Int64 {
        switch content {
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, let identity): identity.size
        }
    }

    /// Of the whole part, framing included.
    var length: Int64 {
        Int64(opening.count) + contentLength + Int64(MultipartEncoder.partEnd.count)
    }

    /// What keeping the part costs in memory.
    var footprint: Int {
        switch content {
        case .bytes(let bytes): opening.count + bytes.count
        case .file(let path, _): opening.count + path.utf8.count
        }
    }
}
