import Platform

/// One page of the list of the stored files.
struct FileList: Hashable, Sendable {
    /// What one file takes in memory, in bytes.
    static let bytesPerFile = 512
    /// A page has as many files as its client asked for, or as many as there is memory for, but not fewer than this.
    static let leastFiles = 16

    let files: [StoredFile]
    let isFirst: Bool
    /// The path and query of the next page; nil for the last one.
    let next: String?

    init(_ page: StoredFilePage, _ request: FileListRequest) {
        files = page.files
        isFirst = request.after == nil
        next = page.last.map(request.next)
    }

    /// One line, with its end.
    var json: String { JSON.text(files.map(Entry.init)) + "\n" }

    private struct Entry: Encodable {
        let name: String
        let size: Int
        let modified: String

        init(_ file: StoredFile) {
            (name, size, modified) = (file.name, file.size, Timestamp(seconds: file.modified).rfc3339)
        }
    }
}
