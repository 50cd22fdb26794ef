/// The upload of an ``Exchange`` that may be resumed.
struct UploadSession: Sendable {
    var dialect = UploadDialect.latest
    var machine: ResumableUpload
    let record: UploadRecord
    let journal: JournalFile?
    /// Whether the request that creates the upload has the body.
    let createsWithBody: Bool
    /// Whether another process has begun the upload.
    let isContinued: Bool
    /// The error that interrupted the upload last.
    var interruption: ClientError?
    /// Whether the dialect was changed, which is done once.
    var hasNegotiated = false
    /// Whether a request with the body has been sent.
    private var hasSentBody = false
    private(set) var resumptions = 0
    private(set) var bytesSentAgain: Int64 = 0

    /// An upload that this process begins.
    init(_ resumption: Client.Resumption, _ source: any Source, _ journal: JournalFile? = nil) {
        if resumption.kind == .tus { dialect = .tus }
        machine = ResumableUpload(resumption.retry)
        record = UploadRecord(Self.observer(source, journal))
        self.journal = journal
        createsWithBody = resumption.creation == .withContent
        isContinued = false
    }

    /// An upload that another process has begun.
    init(
        continuing location: String, _ dialect: UploadDialect, _ resumption: Client.Resumption, _ source: any Source,
        _ journal: JournalFile
    ) {
        machine = ResumableUpload(continuing: resumption.retry)
        record = UploadRecord(continuing: location, dialect, Self.observer(source, journal))
        self.dialect = dialect
        self.journal = journal
        createsWithBody = false
        isContinued = true
    }

    private static func observer(
        _ source: any Source, _ journal: JournalFile?
    ) -> @Sendable (UploadRecord.State) -> Void {
        return { state in
            source.acknowledged(to: state.acknowledged)
            if let location = state.location { journal?.update(location: location, version: state.dialect.number) }
        }
    }

    /// The URL of the upload, once the server has named it.
    var location: String? { record.value.location }

    /// The upload is about to be continued at an offset, or begun after it was created.
    mutating func continued(at offset: Int64) {
        guard hasSentBody || isContinued || createsWithBody else {
            hasSentBody = true
            return
        }
        resumptions += 1
        if let sentTo = record.value.sentTo { bytesSentAgain += max(0, sentTo - offset) }
    }

    func observer(url: String, isCreation: Bool) -> UploadObserver {
        UploadObserver(
            record: record, dialect: dialect, url: url, isCreation: isCreation, resumptions: resumptions,
            bytesSentAgain: bytesSentAgain)
    }
}
