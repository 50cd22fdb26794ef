import ArgumentParser
import HTTPStreaming

/// One file, pipe or standard input.
struct SourceFile: Hashable, Sendable {
    let path: Path
    /// What the server is told; below a folder, with that folder and slashes.
    let name: Path
    /// Nil if it is unknown.
    let size: Int64?

    var isStandardInput: Bool { path == "-" }

    func content(_ digest: ContentDigest?) -> Content {
        let content = isStandardInput ? Content.standardInput : .file(path)
        return digest.map { content.digested(into: $0) } ?? content
    }

    /// The files that arguments of the command line name: themselves, or all files below a folder.
    ///
    /// - Throws: ``ClientError/Code/sourceUnreadable`` for a folder that cannot be read.
    static func find(_ arguments: [Path]) async throws -> [SourceFile] {
        var files: [SourceFile] = []
        for path in arguments {
            switch path == "-" ? nil : System.kind(of: path) {
            case .file(let size): files.append(SourceFile(path: path, name: path.finalName, size: size))
            case .folder: files += try await below(path)
            case .stream: files.append(SourceFile(path: path, name: path.finalName, size: nil))
            case nil:
                files.append(SourceFile(path: path, name: path == "-" ? "stdin" : path.finalName, size: nil))
            }
        }
        return files
    }

    private static func below(_ folder: Path) async throws -> [SourceFile] {
        // As with `cp -r`: the folder is part of the name, unless it has none.
        let last = folder.finalName
        let prefix = last == "." || last == ".." || last.bytes.isEmpty ? [] : last.bytes + [UInt8(ascii: "/")]
        return try await Part.files(in: folder).compactMap(\.filename).map { name in
            let path = folder.joined(name)
            let size: Int64? = if case .file(let size) = System.kind(of: path) { size } else { nil }
            return SourceFile(path: path, name: Path(bytes: prefix + name.bytes), size: size)
        }
    }
}

/// One request to be sent.
struct Job: Hashable, Sendable {
    /// From 0, in the order of the arguments.
    let index: Int
    let files: [SourceFile]
    let url: String

    /// What people call it.
    var label: String {
        guard let first = files.first, files.count == 1 else { return "\(files.count) files" }
        return first.isStandardInput ? "standard input" : first.path.description
    }

    /// The number of bytes of all files; nil if that of one is unknown.
    var size: Int64? { files.reduce(0) { sum, file in sum.flatMap { sum in file.size.map { sum + $0 } } } }

    /// The requests that send these files.
    ///
    /// - Throws: `ValidationError` if the files cannot be sent so.
    static func plan(_ files: [SourceFile], to target: Target, _ options: ContentOptions) throws -> [Job] {
        guard files.count(where: \.isStandardInput) <= 1 else {
            throw ValidationError("standard input can be sent once only")
        }
        if options.put {
            guard target.isFolder || files.count == 1 else {
                throw ValidationError(
                    "\(files.count) files cannot be put to one URL: end it with /, so that the name of each is added")
            }
            guard !target.isFolder || !files.contains(where: \.isStandardInput) else {
                throw ValidationError("standard input has no name: put one at the end of the URL")
            }
            let jobs = files.enumerated().map { Job(index: $0, files: [$1], url: target.url(of: $1.name)) }
            var urls: [String: Job] = [:]
            for job in jobs {
                if let other = urls.updateValue(job, forKey: job.url) {
                    throw ValidationError(
                        "\(other.label) and \(job.label) would be put to one URL, where only the last one would stay")
                }
            }
            return jobs
        }
        if options.together { return [Job(index: 0, files: files, url: target.url)] }
        return files.enumerated().map { Job(index: $0, files: [$1], url: target.url) }
    }

    /// The request, to be made anew each time that it is sent.
    ///
    /// - Parameter digests: one for each file, to be computed while it is sent; or none.
    func request(_ options: ContentOptions, digests: [ContentDigest] = []) -> Request {
        let contents = files.enumerated().map { index, file in
            file.content(index < digests.count ? digests[index] : nil)
        }
        if options.put {
            var request = Request(.put, url, content: contents[0])
            if let type = options.type { request.headerFields["Content-Type"] = type }
            return request
        }
        let fields = options.field.map { Part.field($0.name, $0.value) }
        let parts = zip(files, contents).map { file, content in
            // The name decides the type; it is set afterwards, since it need not be UTF-8.
            var part = Part(
                options.name ?? "file", content, filename: file.name.description, contentType: options.type)
            part.filename = file.name
            return part
        }
        return Request(.post, url, content: .multipart(fields + parts))
    }
}

extension Path {
    /// The bytes after the last slash that is not at the end.
    var finalName: Path {
        let slash = UInt8(ascii: "/")
        let trimmed = bytes.lastIndex { $0 != slash }.map { bytes[...$0] } ?? []
        return Path(bytes: trimmed.split(separator: slash).last ?? [])
    }

    fileprivate func joined(_ name: Path) -> Path {
        let slash = UInt8(ascii: "/")
        return Path(bytes: bytes + (bytes.last == slash ? [] : [slash]) + name.bytes)
    }
}
