internal import ContentCoding
internal import Multipart
internal import Platform

extension Preparation {
    /// Opens the content of a journal. Blocks.
    ///
    /// - Throws: ``ClientError/Code/sourceChanged`` for a file that was changed since, by name.
    func source(_ entry: UploadJournal.Entry) throws(ClientError) -> any Source {
        switch entry {
        case .bytes(let bytes):
            return MemorySource(
                bytes: bytes,
                isCompressed: try isCompressed { (count) throws(ClientError) in Array(bytes.prefix(count)) })
        case .file(let file):
            return try source(file)
        case .multipart(let boundary, let parts):
            return try form(parts, boundary)
        case .coded(let settings, let zlib, let checkpoints, let plain):
            guard zlib == Zlib.version else {
                throw ClientError(
                    .resumptionFailed,
                    "the body was compressed by zlib \(zlib), and this process has \(Zlib.version), which may make other bytes"
                )
            }
            return CodedSource(try source(plain), settings, checkpoints)
        }
    }

    private func source(_ entry: UploadJournal.File) throws(ClientError) -> any Source {
        let file = try OpenFile(path: entry.path)
        let isSame =
            entry.mayGrow
            ? file.identity.isSameFile(as: entry.identity) && file.identity.size >= entry.start + entry.length
            : file.identity == entry.identity
        guard isSame else {
            throw ClientError(.sourceChanged, "\(file.name): the file was changed since the upload was begun")
        }
        return try FileSource(
            file, path: entry.path, from: entry.start, length: entry.length,
            changes: entry.mayGrow ? .prefix : .unchanged, self)
    }

    private func form(
        _ parts: [UploadJournal.Part], _ boundary: String
    ) throws(ClientError) -> any Source {
        guard let boundary = try? Boundary(boundary) else {
            throw ClientError(.invalidJournal, "the journal holds a boundary that is not one")
        }
        let form = MultipartSource(encoder: MultipartEncoder(boundary: boundary))
        form.append(
            try parts.map { (part) throws(ClientError) in
                MultipartSource.FramedPart(
                    name: part.name, filename: part.filename, opening: part.opening, content: try source(part.content))
            }, isLast: true)
        return form
    }
}

extension UploadJournal.Entry {
    /// Whether the content of files was recognized as compressed; see ``Preparation``.
    var recognizesCompressed: Bool {
        if case .coded(let settings, _, _, _) = self { settings.storesIncompressible } else { false }
    }
}
