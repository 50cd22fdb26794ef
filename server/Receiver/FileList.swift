import Platform

/// The stored files, as they are told of.
struct FileList: Hashable, Sendable {
    let files: [StoredFile]

    /// Sorted by name.
    init(_ files: [StoredFile]) {
        self.files = files.sorted { $0.name < $1.name }
    }

    /// One line, with its end.
    var json: String {
        var json = JSONText()
        json.array(files) { json, file in
            json.object { members in
                members.member("name", file.name)
                members.member("size", file.size)
                members.member("modified", Timestamp(seconds: file.modified).rfc3339)
            }
        }
        return json.text + "\n"
    }
}
