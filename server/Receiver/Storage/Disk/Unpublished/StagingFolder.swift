import Platform

/// The hidden folder in which a request of several files keeps them until they are published. Files are numbered from
/// 0. The folder is locked while its process lives: see ``Leftovers``. Every call blocks.
final class StagingFolder: Sendable {
    /// The file that holds the intended names: see ``IntendedNames``.
    private static let recordName = "names"

    private let parent: Directory
    private let name: String
    let directory: Directory

    init(in parent: Directory) throws(SystemError) {
        while true {
            let name = UnnamedFile.randomName(prefix: TemporaryFile.namePrefix)
            let directory = try Directory(creating: name, in: parent)
            // A process that starts at this moment may have taken the folder for a leftover.
            guard Leftovers.claim(directory.descriptor.raw), directory.isNamed(name, in: parent) else { continue }
            (self.parent, self.name, self.directory) = (parent, name, directory)
            return
        }
    }

    /// - Parameter leftover: a folder of a killed process, which this one has locked.
    init(leftover: consuming Descriptor, named name: String, in parent: Directory) {
        (self.parent, self.name, directory) = (parent, name, Directory(leftover))
    }

    /// - Parameter directory: the folder of an upload that was interrupted.
    init(_ directory: Directory, named name: String, in parent: Directory) {
        (self.parent, self.name, self.directory) = (parent, name, directory)
    }

    static func removeRecord(from directory: Directory) { try? directory.removeFile(recordName) }

    static func fileName(_ index: Int) -> String { String(index) }

    /// Records that all files are complete and get these names. From now on, if the process is killed, the next one
    /// names those that have no name yet: see ``finish(naming:durability:)``.
    func record(_ names: [FileName], _ durability: Durability) throws(SystemError) {
        let file = try TemporaryFile(named: Self.recordName, in: directory)
        defer { file.discard() }
        try IntendedNames(names).bytes.withUnsafeBufferPointer { bytes throws(SystemError) in
            _ = try file.write(UnsafeRawBufferPointer(bytes))
        }
        if durability == .full { try file.sync() }
        try file.close()
        if durability == .full { try directory.descriptor.syncNames() }
    }

    /// Moves a file out of this folder.
    ///
    /// - Throws: `EEXIST` if the name is taken.
    func publish(_ index: Int, as name: String, in target: Directory) throws(SystemError) {
        try directory.move(Self.fileName(index), to: name, in: target)
    }

    func status(of index: Int) throws(SystemError) -> FileStatus? { try directory.status(of: Self.fileName(index)) }

    /// Takes back ``record(_:_:)``, before the names that were given are removed.
    func removeRecord(_ durability: Durability) {
        guard (try? directory.removeFile(Self.recordName)) != nil, durability == .full else { return }
        try? directory.descriptor.syncNames()
    }

    func removeFile(_ index: Int) { try? directory.removeFile(Self.fileName(index)) }

    /// Removes the folder, which has no files any more.
    func remove() throws(SystemError) {
        try? directory.removeFile(Self.recordName)
        try parent.removeDirectory(name)
    }

    /// Completes what a killed process had begun: names the remaining files if their names are recorded, otherwise removes
    /// them. Then removes the folder.
    func finish(naming numbers: NumberedNames, durability: Durability) throws(SystemError) {
        var changedFolders: Set<ArraySlice<String>> = [[]]
        for (index, name) in try recordedNames().enumerated() where directory.contains(Self.fileName(index)) {
            changedFolders.insert(name.folders[...])
            let target = try parent.createFolder(name.folders) { changedFolders.insert($0.dropLast()) }
            try numbers.give(name, in: target) { name throws(SystemError) in try publish(index, as: name, in: target) }
        }
        if durability == .full {
            for path in changedFolders { try parent.folder(path).descriptor.syncNames() }
        }
        for name in try directory.names(startingWith: "") { try directory.removeFile(name) }
        try parent.removeDirectory(name)
    }

    /// - Returns: empty if the names were not recorded completely.
    private func recordedNames() throws(SystemError) -> [FileName] {
        guard directory.contains(Self.recordName) else { return [] }
        let file = try directory.openFile(Self.recordName, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        var bytes: [UInt8] = []
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 1)
        defer { piece.deallocate() }
        while true {
            let count = try SystemError.check { readDescriptor(file.raw, piece) }
            if count == 0 { return IntendedNames(bytes: bytes)?.names ?? [] }
            bytes += piece[..<count]
        }
    }
}

/// The names that the files of a request are to get, in order, as a text: a first line that tells the format, a line for
/// each name, and a last line. No name contains the end of a line: see ``FileName``.
struct IntendedNames {
    private static let (first, last) = ("http-streaming names 1", "end")

    let names: [FileName]

    init(_ names: [FileName]) { self.names = names }

    /// - Returns: nil if the text is not complete: the process was killed while it wrote the text.
    init?(bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines[0] == Self.first, lines[lines.count - 2] == Self.last, lines.last == "" else {
            return nil
        }
        names = lines[1..<(lines.count - 2)].map { FileName(cleaning: String($0), keepsFolders: true) }
    }

    var bytes: [UInt8] {
        let lines = [Self.first] + names.map { $0.path($0.numbered(0)) } + [Self.last, ""]
        return Array(lines.joined(separator: "\n").utf8)
    }
}
