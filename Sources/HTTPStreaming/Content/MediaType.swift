internal import Platform

/// Media types by filename extension, of the files that people upload
/// (<https://www.iana.org/assignments/media-types>).
enum MediaType {
    /// `application/octet-stream` for an unknown extension. Never a charset: that of the file is not known.
    static func guess(filename: Path) -> String {
        guard let dot = filename.bytes.lastIndex(of: UInt8(ascii: ".")) else { return octetStream }
        return byExtension[String(decoding: filename.bytes[(dot + 1)...], as: UTF8.self).lowercased()] ?? octetStream
    }

    static let octetStream = "application/octet-stream"

    private static let byExtension = [
        "7z": "application/x-7z-compressed", "avif": "image/avif", "bz2": "application/x-bzip2",
        "css": "text/css", "csv": "text/csv", "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "epub": "application/epub+zip", "flac": "audio/flac", "gif": "image/gif", "gz": "application/gzip",
        "heic": "image/heic", "htm": "text/html", "html": "text/html", "ics": "text/calendar",
        "jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript", "json": "application/json",
        "log": "text/plain", "m4a": "audio/mp4", "md": "text/markdown", "mkv": "video/matroska",
        "mov": "video/quicktime", "mp3": "audio/mpeg", "mp4": "video/mp4",
        "odt": "application/vnd.oasis.opendocument.text",
        "ogg": "audio/ogg", "pdf": "application/pdf", "png": "image/png",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "rtf": "application/rtf", "sql": "application/sql", "svg": "image/svg+xml", "tar": "application/x-tar",
        "tif": "image/tiff", "tiff": "image/tiff", "txt": "text/plain", "wasm": "application/wasm",
        "wav": "audio/wav", "webm": "video/webm", "webp": "image/webp",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xml": "application/xml",
        "xz": "application/x-xz", "yaml": "application/yaml", "yml": "application/yaml", "zip": "application/zip",
        "zst": "application/zstd",
    ]
}
