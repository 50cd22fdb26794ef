import Platform

/// The record of the files of an upload that are about to get their names. If the process is killed meanwhile, the next one
/// finds out which of them have got a name, and which one: a file keeps its inode and its time of change.
///
/// A text: a first line that tells the format, for each file a line with its version and one with its intended name, and a
/// last line.
struct Publication {
    private static let (first, last) = ("http-streaming publication 1", "end")
    /// How many numbered names are looked at for a file that has got a name.
    private static let triedNumbers = 1000

    struct File {
        /// See ``StoredFile/version``.
        let version: String
        let name: FileName
    }

    let files: [File]

    /// - Parameter directory: the folder of the upload.
    init(_ names: [FileName], in directory: Directory) throws(SystemError) {
        var files: [File] = []
        for (index, name) in names.enumerated() {
            guard let version = try Self.version(of: StagingFolder.fileName(index), in: directory) else {
                throw SystemError(code: ENOENT)
            }
            files.append(File(version: version, name: name))
        }
        self.files = files
    }

    /// - Returns: nil if the text is not complete: no file has a name.
    init?(bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines.count % 2 == 1, lines[0] == Self.first, lines[lines.count - 2] == Self.last else {
            return nil
        }
        files = stride(from: 1, to: lines.count - 2, by: 2).map { line in
            File(
                version: String(lines[line]),
                name: FileName(cleaning: String(lines[line + 1]), keepsFolders: true))
        }
    }

    var bytes: [UInt8] {
        let lines = files.flatMap { [$0.version, $0.name.path($0.name.numbered(0))] }
        return Array(([Self.first] + lines + [Self.last, ""]).joined(separator: "\n").utf8)
    }

    /// What has become of the files.
    ///
    /// - Returns: for each file what it is published as; nil for one that has no name yet.
    func published(from directory: Directory, in target: Directory) throws(SystemError) -> [PublishedFile?] {
        var published: [PublishedFile?] = []
        for (index, file) in files.enumerated() {
            let staged = try Self.version(of: StagingFolder.fileName(index), in: directory)
            guard staged != file.version else {
                published.append(nil)
                continue
            }
            // The file that it has replaced has its former name.
            published.append(try Self.find(file, in: target, isReplacement: staged != nil))
        }
        return published
    }

    /// Names the files that have no name yet, if others have one. A single file that has none stays: its request decides what
    /// it may replace.
    ///
    /// - Returns: what the files are published as; nil if none had a name.
    func complete(
        from directory: Directory, in parent: Directory, _ numbers: NumberedNames, _ durability: Durability
    ) throws(SystemError) -> [PublishedFile]? {
        let before = try published(from: directory, in: parent)
        guard before.contains(where: { $0 != nil }) else { return nil }
        var changed: Set<ArraySlice<String>> = [[]]
        var all: [PublishedFile] = []
        for (index, file) in files.enumerated() {
            if let published = before[index] {
                all.append(published)
                continue
            }
            changed.insert(file.name.folders[...])
            let target = try parent.createFolder(file.name.folders) { changed.insert($0.dropLast()) }
            let name = try numbers.give(file.name, in: target) { name throws(SystemError) in
                try directory.move(StagingFolder.fileName(index), to: name, in: target)
            }
            all.append(PublishedFile(name: file.name.path(name), version: file.version, isReplacement: false))
        }
        if durability == .full {
            for path in changed { try parent.folder(path).descriptor.syncNames() }
        }
        return all
    }

    private static func version(of name: String, in directory: Directory) throws(SystemError) -> String? {
        try directory.status(of: name)?.file(named: name).version
    }

    /// - Returns: the file as it was, if it has been removed or replaced since.
    private static func find(_ file: File, in parent: Directory, isReplacement: Bool) throws(SystemError)
        -> PublishedFile
    {
        let wish = file.name.path(file.name.numbered(0))
        var found = PublishedFile(name: wish, version: file.version, isReplacement: isReplacement)
        guard let folder = try? parent.folder(file.name.folders) else { return found }
        for number in 0..<triedNumbers {
            let name = file.name.numbered(number)
            guard try version(of: name, in: folder) == file.version else { continue }
            found = PublishedFile(name: file.name.path(name), version: file.version, isReplacement: isReplacement)
            break
        }
        return found
    }
}
