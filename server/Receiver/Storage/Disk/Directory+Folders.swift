import CSystemCalls
import Platform

// Folders below a directory, by the components of their paths, none of which is empty, `.` or `..`: see ``FileName``. No
// symbolic link is followed. Every call blocks.
extension Directory {
    /// Opens a folder; this directory itself for an empty path.
    ///
    /// - Throws: `ENOTDIR` or `ELOOP` if something else has the name of a folder.
    func folder(_ path: some Collection<String>) throws(SystemError) -> Directory {
        guard !path.isEmpty else { return self }
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        do {
            return Directory(
                try Descriptor { csystemcalls_open_beneath(descriptor.raw, path.joined(separator: "/"), flags) })
        } catch {
            // The kernel is older than Linux 5.6, or a container forbids the call; or the path is longer than 4 KiB.
            guard [ENOSYS, EPERM, ENAMETOOLONG].contains(error.code) else { throw error }
        }
        var folder = self
        for name in path { folder = try folder.folder(named: name) }
        return folder
    }

    /// Opens a folder, and creates what is missing of its path.
    ///
    /// - Parameter didCreate: called with the path of each folder that was created.
    func createFolder(
        _ path: [String], didCreate: (ArraySlice<String>) -> Void
    ) throws(SystemError) -> Directory {
        do {
            return try folder(path)
        } catch {
            guard error.code == ENOENT else { throw error }
        }
        var folder = self
        for (index, name) in path.enumerated() {
            do {
                try SystemError.check { mkdirat(folder.descriptor.raw, name, 0o777) }
                didCreate(path[...index])
            } catch {
                guard error.code == EEXIST else { throw error }
            }
            folder = try folder.folder(named: name)
        }
        return folder
    }

    private func folder(named name: String) throws(SystemError) -> Directory {
        Directory(try openFile(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    }
}
