import Platform

/// The list of the stored files.
struct FileList: Hashable, Sendable {
    let files: [StoredFile]

    /// Sorts the files by name.
    init(_ files: [StoredFile]) {
        self.files = files.sorted { $0.name < $1.name }
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
