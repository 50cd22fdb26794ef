import ArgumentParser
import HTTPStreaming

/// The state of an upload with `--resume`, on disk: a folder with a journal for each interrupted request, and a note for each
/// accepted one. With it, the same command sends only the missing bytes. The folder is removed when all requests have been
/// accepted: then the same command sends everything again.
struct UploadRecord: Sendable {
    private let folder: Path

    /// Opens or creates the folder for a command. It stays locked until the process ends.
    ///
    /// - Parameters:
    ///   - command: whatever makes it the same command: the URL, the files, and how they are sent.
    ///   - state: where programs keep their state: `$XDG_STATE_HOME`.
    init(command: [String], state: Path) throws {
        folder = Path(bytes: state.bytes + "/upload/\(Self.fingerprint(command))".utf8)
        if let error = System.makeFolders(folder) {
            throw ValidationError("the folder \(folder) for --resume cannot be created: \(error)")
        }
        guard System.lock(file("lock")) else {
            throw ValidationError("another process is running the same upload with --resume: wait for it")
        }
    }

    /// - Throws: `ValidationError` without a home.
    static func stateFolder() throws -> Path {
        if let folder = System.environment("XDG_STATE_HOME"), folder.hasPrefix("/") { return Path(folder) }
        guard let home = System.environment("HOME") else {
            throw ValidationError("--resume needs a folder for its journals: set XDG_STATE_HOME")
        }
        return Path(home + "/.local/state")
    }

    /// Nil for a request that another process cannot continue, because a file of it can be read once only; and for one
    /// without bytes, whose file may be one of those in `/proc`.
    func journal(of job: Job) -> Path? {
        job.size ?? 0 == 0 ? nil : file(Self.fingerprint(job) + ".journal")
    }

    /// Nil unless a process before this one has sent these files, which have not been changed since. Otherwise the digests
    /// that the server has reported and that were not compared yet.
    ///
    /// - Parameter identity: of the files now.
    func acceptance(of job: Job, _ identity: [UInt8]?) -> [String]? {
        guard let identity, let note = System.contents(of: note(for: job)), note.starts(with: identity) else {
            return nil
        }
        return String(decoding: note.dropFirst(identity.count), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// To be called with the identity that the files had before they were sent.
    ///
    /// - Parameter reported: the digests of the server that are still to be compared.
    func accept(_ job: Job, _ identity: [UInt8]?, unverified reported: [String] = []) {
        guard let identity else { return }
        // Without the note the files are sent again, which is all that can happen.
        _ = System.replace(note(for: job), with: identity + reported.flatMap { Array("\($0)\n".utf8) })
    }

    /// The files are to be sent again.
    func forget(_ job: Job) { System.remove(note(for: job)) }

    /// Forgets everything.
    func remove() {
        for name in System.names(in: folder) {
            System.remove(Path(bytes: folder.bytes + [UInt8(ascii: "/")] + name.bytes))
        }
        System.remove(folder)
    }

    /// Sizes, times of change and numbers of the files; nil if one can be read once only, or not at all.
    static func identity(of job: Job) -> [UInt8]? {
        guard job.size != nil else { return nil }
        var text = ""
        for file in job.files {
            guard let identity = System.identity(of: file.path) else { return nil }
            text += identity + "\n"
        }
        return Array(text.utf8)
    }

    private func note(for job: Job) -> Path { file(Self.fingerprint(job) + ".accepted") }

    private func file(_ name: String) -> Path { Path(bytes: folder.bytes + "/\(name)".utf8) }

    private static func fingerprint(_ job: Job) -> String {
        fingerprint(
            [job.url] + job.files.flatMap { [CommandLineArguments.text($0.path), CommandLineArguments.text($0.name)] })
    }

    /// FNV-1a with 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), in hex. Folder and file together have 128 bits.
    private static func fingerprint(_ texts: [String]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for text in texts {
            for byte in Array(text.utf8) + [0] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
