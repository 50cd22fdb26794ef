import NIOPosix
import Platform
import Synchronization

extension DirectoryStorage {
    public func files(after name: String?, limit: Int) async throws(StorageError) -> StoredFilePage {
        let admission = try await listings.admit()
        defer { withExtendedLifetime(admission) {} }
        let listing = try await threadPool.run("cannot list the files") {
            [folder, keepsPaths] () throws(SystemError) in
            try DirectoryListing(folder.current().directory, keepsPaths, after: name, limit: limit)
        }
        while try await threadPool.run("cannot list the files", listing.readNames) {}
        return try await threadPool.run("cannot list the files", listing.page)
    }
}

/// Finds the first public files of a directory, and of its folders, whose names follow a given one, with memory for these
/// and for the paths of folders only. Reads in steps, between which other requests use the thread.
private final class DirectoryListing: Sendable {
    /// Reading this many entries takes about a millisecond.
    private static let step = 4096

    private struct State: ~Copyable {
        /// Of the directory, or of the folder that is being read.
        var entries: DirectoryEntries
        /// The path of that folder, with a slash at its end; empty for the directory.
        var prefix = ""
        /// The paths of the folders that are to be read, each with a slash at its end.
        var folders: [String] = []
        var names: FirstNames
    }

    private let directory: Directory
    private let keepsPaths: Bool
    /// Never contended, because calls follow one another: it passes the state on to the next thread.
    private let state: Mutex<State>

    /// Blocks, as all calls do.
    init(_ directory: Directory, _ keepsPaths: Bool, after name: String?, limit: Int) throws(SystemError) {
        (self.directory, self.keepsPaths) = (directory, keepsPaths)
        state = Mutex(
            State(entries: try DirectoryEntries(of: directory), names: FirstNames(after: name, limit: limit)))
    }

    /// Reads the next entries.
    ///
    /// - Returns: whether there are more.
    func readNames() throws(SystemError) -> Bool {
        try state.withLock { state throws(SystemError) in
            for _ in 0..<Self.step {
                guard let entry = try state.entries.next() else {
                    guard try openNext(&state) else { return false }
                    continue
                }
                guard let name = entry.name, FileName.isPublic(name) else { continue }
                let path = state.prefix + name
                if entry.mayBeRegular { state.names.add(path) }
                if keepsPaths, entry.mayBeFolder { state.folders.append(path + "/") }
            }
            return true
        }
    }

    /// Opens the next folder that may have files of the page.
    ///
    /// - Returns: whether there is one.
    private func openNext(_ state: inout State) throws(SystemError) -> Bool {
        while let prefix = state.folders.popLast() {
            let path = Self.components(of: prefix)
            guard path.count <= FileName.maximumFolders, state.names.mayInclude(prefix: prefix) else { continue }
            do throws(SystemError) {
                state.entries = try DirectoryEntries(of: directory.folder(path))
            } catch {
                // It is no folder, or has been removed.
                guard error.meansNoSuchFile else { throw error }
                continue
            }
            state.prefix = prefix
            return true
        }
        return false
    }

    /// The page, when all names have been read.
    func page() throws(SystemError) -> StoredFilePage {
        let (names, isLast) = state.withLock { $0.names.sorted() }
        var files: [StoredFile] = []
        for name in names {
            // Nil if the file has been removed since.
            guard let status = try status(of: name), status.isRegular else { continue }
            files.append(status.file(named: name))
        }
        return StoredFilePage(files: files, last: isLast ? nil : names.last)
    }
}

extension DirectoryListing {
    /// Split at bytes: a slash followed by a combining accent is one character that does not equal a slash.
    private static func components(of path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }

    /// - Returns: nil if nothing has that path.
    private func status(of path: String) throws(SystemError) -> FileStatus? {
        let components = Self.components(of: path)
        do throws(SystemError) {
            return try directory.folder(components.dropLast()).status(of: components.last ?? "")
        } catch {
            guard error.meansNoSuchFile else { throw error }
            return nil
        }
    }
}

/// Keeps the first of many names, in the order of their bytes.
struct FirstNames {
    private let limit: Int
    private let lower: String?
    /// Names from here on are not kept.
    private var upper: String?
    /// At most twice as many as the limit.
    private var names: [String] = []

    /// - Parameter name: this name and earlier ones are not kept.
    init(after name: String?, limit: Int) {
        (lower, self.limit) = (name, limit)
    }

    mutating func add(_ name: String) {
        if let lower, !Self.precedes(lower, name) { return }
        if let upper, !Self.precedes(name, upper) { return }
        names.append(name)
        if names.count >= 2 * limit { cut() }
    }

    /// Whether names with this prefix may be kept.
    func mayInclude(prefix: String) -> Bool {
        if let upper, !Self.precedes(prefix, upper) { return false }
        return lower.map { Self.precedes($0, prefix) || $0.utf8.starts(with: prefix.utf8) } ?? true
    }

    /// - Returns: the names, and whether no others follow.
    mutating func sorted() -> (names: [String], isLast: Bool) {
        cut()
        return (names, upper == nil)
    }

    private mutating func cut() {
        names.sort(by: Self.precedes)
        guard names.count > limit else { return }
        upper = names[limit]
        names.removeLast(names.count - limit)
    }

    private static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
}
