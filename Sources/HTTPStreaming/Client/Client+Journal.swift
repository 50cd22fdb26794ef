public import Platform

extension Client {
    /// Continues the upload that another process has begun with ``Configuration/journal``, and returns its response.
    ///
    /// The client asks the server how much it has, and sends the rest. The body is read from the same files, which must not
    /// have changed. The header fields and the authentication of this client's configuration are sent, if the upload is at the
    /// origin of the client's URL, or if the client has no URL; those of the request itself are not in the journal. The
    /// journal is removed when the upload has ended; see ``Configuration/journal``. It is kept after an error.
    ///
    /// ```swift
    /// let response = try await client.resume(journal: "upload.journal")
    /// ```
    ///
    /// - Parameters:
    ///   - path: the journal.
    ///   - progress: as with ``send(_:progress:)-(Part...,_)``; begins at the offset that the server has.
    /// - Throws: ``ClientError``, with the code ``ClientError/Code/invalidJournal`` for a journal that is missing, damaged or
    ///   changed, ``ClientError/Code/sourceChanged`` for a file that was changed, and ``ClientError/Code/resumptionFailed`` if
    ///   the server cannot continue the upload.
    public func resume(
        journal path: Path, progress: (@Sendable (UploadProgress) -> Void)? = nil
    ) async throws -> Response {
        try await calls.run { call throws(ClientError) in
            guard try openRequest() == nil else { throw ClientError.requestOpen }
            let (journal, source) = try await JournalFile.open(path)
            let exchange = try Exchange(
                id: nextID(), continuing: journal, path, source, settings, progressHub, control)
            return response(try await run(exchange, isNew: true, call, progress), call)
        }
    }

    /// See ``resume(journal:progress:)-(Path,_)``.
    public func resume(
        journal path: String, progress: (@Sendable (UploadProgress) -> Void)? = nil
    ) async throws -> Response {
        try await resume(journal: Path(path), progress: progress)
    }
}

extension Exchange {
    /// Prepares the journal of a new request, if the configuration has one; suspends until it is known to be writable.
    ///
    /// - Parameter isWhole: whether the body is there before it is sent.
    nonisolated(nonsending) mutating func openJournal(isWhole: Bool = true) async throws(ClientError) {
        guard let path = configuration.journal, let source = request.source, session != nil else { return }
        guard isWhole, source.journalEntry != nil else {
            throw ClientError(
                .invalidConfiguration,
                "\(source.name): a journal is possible only for files with a path and short content in memory, in one call"
            )
        }
        let journal = journalFile(path, source)
        try await withTaskExecutorPreference(BlockingExecutor.shared) { () throws(ClientError) in try journal.check() }
        session = UploadSession(configuration.resumption, source, journal)
    }

    /// Continues the upload of another process.
    fileprivate init(
        id: TransferID, continuing journal: UploadJournal, _ path: Path, _ source: any Source,
        _ settings: ClientSettings,
        _ progress: ProgressHub<UploadProgress>, _ control: UploadControl
    ) throws(ClientError) {
        guard ASCII.isToken(journal.method), let (url, _) = try? CurlURL.check(journal.url), url == journal.url,
            CurlURL.complaint(about: journal.location) == nil,
            CurlURL.origin(of: journal.location) == CurlURL.origin(of: url),
            let dialect = UploadDialect(number: journal.version)
        else { throw ClientError(.invalidJournal, "the journal \(path) cannot be used: its URLs are not valid") }
        let request = PreparedRequest(method: Client.Method(journal.method), url: url, source: source)
        self.init(id: id, request, settings, progress, control)
        let resumption = configuration.resumption.isEnabled ? configuration.resumption : .automatic
        session = UploadSession(
            continuing: journal.location, dialect, resumption, source, journalFile(path, source))
    }

    fileprivate func journalFile(_ path: Path, _ source: any Source) -> JournalFile {
        let (method, url) = (request.method.description, request.url)
        return JournalFile(path) {
            source.journalEntry.map { UploadJournal(method: method, url: url, location: "", version: 0, body: $0) }
        }
    }
}
