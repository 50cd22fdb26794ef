import Platform
import Synchronization

/// A file of a request that has got its name.
struct NamedFile: Sendable {
    /// With the folders.
    let wish: FileName
    /// The one that it got, without the folders.
    let name: String
    let status: FileStatus
    let isReplacement: Bool

    var published: PublishedFile {
        let path = wish.path(name)
        return PublishedFile(name: path, version: status.file(named: path).version, isReplacement: isReplacement)
    }
}

extension UnpublishedFiles {
    /// Gives a file its name, or one with a number.
    ///
    /// - Parameter move: throws `EEXIST` if the name is taken.
    func name(
        _ wish: FileName, _ status: FileStatus, by move: (String, Directory) throws(SystemError) -> Void
    ) throws(SystemError) -> NamedFile {
        try inFolder(of: wish) { target throws(SystemError) in
            let name = try folder.numbers.give(wish, in: target) { name throws(SystemError) in try move(name, target) }
            return NamedFile(wish: wish, name: name, status: status, isReplacement: false)
        }
    }

    /// Gives a file its name as `naming` says. The condition is judged in one step with that.
    ///
    /// - Returns: nil if the condition does not hold.
    func name(
        _ wish: FileName, _ naming: Naming, _ file: TemporaryFile
    ) throws(SystemError) -> NamedFile? {
        let status = try file.status()
        guard naming.replaces || naming.condition != nil else {
            return try name(wish, status) { name, target throws(SystemError) in try file.move(to: name, in: target) }
        }
        return try inFolder(of: wish) { target throws(SystemError) in
            try folder.numbers.exclusive.withLock { _ throws(SystemError) in
                try name(wish, naming, file, status, in: target)
            }
        }
    }

    private func name(
        _ wish: FileName, _ naming: Naming, _ file: TemporaryFile, _ status: FileStatus, in target: Directory
    ) throws(SystemError) -> NamedFile? {
        while true {
            let name = wish.numbered(0)
            let there = try target.status(of: name)
            let stored = there.flatMap { $0.isRegular ? $0.file(named: wish.path(name)) : nil }
            guard naming.condition?(stored) ?? true else { return nil }
            do throws(SystemError) {
                switch (there, naming.replaces) {
                case (nil, _):
                    try file.move(to: name, in: target)
                    return NamedFile(wish: wish, name: name, status: status, isReplacement: false)
                case (let there?, true):
                    guard there.isRegular else { throw SystemError(code: EISDIR) }
                    try file.exchange(with: name, in: target)
                    return NamedFile(wish: wish, name: name, status: status, isReplacement: true)
                case (_?, false):
                    let given = try folder.numbers.give(wish, in: target) { name throws(SystemError) in
                        try file.move(to: name, in: target)
                    }
                    return NamedFile(wish: wish, name: given, status: status, isReplacement: false)
                }
            } catch {
                // A file without a condition, or another process, was faster.
                guard error.code == (there == nil ? EEXIST : ENOENT), !target.isRemoved else { throw error }
            }
        }
    }

    /// Takes a name back. If another request has replaced the file meanwhile, the name is no longer this one's.
    func takeBack(_ named: NamedFile, _ file: TemporaryFile?) {
        guard let target = try? directory.folder(named.wish.folders) else { return }
        folder.numbers.exclusive.withLock { _ in
            guard (try? target.status(of: named.name)) == named.status else { return }
            if !named.isReplacement {
                try? target.removeFile(named.name)
            } else {
                try? file?.exchange(with: named.name, in: target)
            }
        }
    }

    /// Calls `body` with the folder of a file, which is created if it does not exist.
    private func inFolder<Result>(
        of name: FileName, _ body: (Directory) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let directory = directory
        while true {
            let target = try directory.createFolder(name.folders) { noteCreated($0) }
            do throws(SystemError) {
                let result = try body(target)
                noteChanged(name.folders[...])
                return result
            } catch {
                // A request that failed has removed the folder that it had created.
                guard error.code == ENOENT, target.isRemoved, !directory.isRemoved else { throw error }
            }
        }
    }
}
