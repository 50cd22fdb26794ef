internal import Platform

/// The file of a download that a later call can continue, also one of another process: `path.part`, and beside it
/// `path.part.state`, a ``PartialRecord``. Every call blocks.
///
/// Whoever writes the partial file has it locked. The record always is about the bytes in the partial file: before the first byte
/// of another file is written, the partial file is empty and the new record is on the disk.
struct PartialFile: ~Copyable {
    /// How many bytes are written between two syncs, so that a power failure costs no more.
    private static let syncInterval: Int64 = 256 << 20
    /// The maximum length of a record in bytes.
    private static let recordLimit: Int64 = 1 << 20

    private let path: Path
    private let partialPath: Path
    private let recordPath: Path
    private let url: String
    private let durability: Durability
    private var file: FileWriter
    /// Of the bytes in the file; nil if there is none, or if it is damaged.
    private var record: PartialRecord?
    /// Whether the bytes in the file are of this download.
    private var isCurrent = false

    /// Opens and locks the partial file for a path, or makes it.
    ///
    /// - Parameters:
    ///   - path: of the complete file.
    ///   - url: that is asked for. Bytes that were received from another one are of no use.
    /// - Throws: ``ClientError/Code/destinationUnwritable``, also if another call has the file locked, or if there is a file of
    ///   that name which no download has left.
    static func open(_ path: Path, url: String, durability: Durability) throws(ClientError) -> PartialFile {
        let partialPath = Path(bytes: path.bytes + ".part".utf8)
        let recordPath = Path(bytes: partialPath.bytes + ".state".utf8)
        let file = try lock(path, partialPath, durability)
        let bytes = read(recordPath)
        guard file.size == 0 || bytes.map({ PartialRecord.isRecord($0) }) ?? false else {
            throw ClientError(
                .destinationUnwritable, "\(partialPath) exists, and is not of a download that was interrupted")
        }
        let record = bytes.flatMap { PartialRecord(parsing: String(decoding: $0, as: UTF8.self)) }
        var partial = PartialFile(
            path: path, partialPath: partialPath, recordPath: recordPath, url: url, durability: durability, file: file,
            record: record)
        try ClientError.write(path) { () throws(SystemError) in try partial.prepare() }
        return partial
    }

    private init(
        path: Path, partialPath: Path, recordPath: Path, url: String, durability: Durability,
        file: consuming FileWriter, record: PartialRecord?
    ) {
        (self.path, self.partialPath, self.recordPath) = (path, partialPath, recordPath)
        (self.url, self.durability) = (url, durability)
        self.file = file
        self.record = record
    }

    private static func lock(
        _ path: Path, _ partial: Path, _ durability: Durability
    ) throws(ClientError) -> FileWriter {
        do throws(SystemError) {
            return try FileWriter(replacing: path, continuing: partial, durability: durability)
        } catch {
            guard error.code == EWOULDBLOCK else { throw .unwritable(path, error) }
            throw ClientError(
                .destinationUnwritable, "\(path): another download to this path is running", underlying: error)
        }
    }

    /// Finds out whether there are bytes that can be continued, and removes those behind them.
    private mutating func prepare() throws(SystemError) {
        guard var record, record.url == url, record.file.validator != nil else { return }
        let system = SystemStart.identifier
        let certain = record.certain(of: Int64(file.size), now: system)
        let length = record.file.length ?? .max
        // The last byte of a complete file is asked for again, to find out whether the file has changed.
        let kept = min(certain, length - 1)
        guard kept > 0, certain <= length else { return }
        if kept < file.size { try file.truncate(to: Int(kept)) }
        isCurrent = true
        guard record.system != system else { return }
        record.system = system
        self.record = record
        try store(record)
    }

    /// The file of which there are bytes, and how many there are; nil if the download begins.
    var known: (file: Representation, count: Int64)? {
        isCurrent ? record.map { ($0.file, Int64(file.size)) } : nil
    }

    /// Begins again: removes all bytes, and stores the record of those that follow.
    mutating func begin(_ representation: Representation) throws(SystemError) {
        // Decoded bytes cannot be continued: ranges count coded ones.
        let isContinuable = representation.coding == nil
        let known = Representation(
            url: representation.url, validator: isContinuable ? representation.validator : nil,
            length: representation.length)
        try file.truncate()
        let record = PartialRecord(url: url, file: known, system: SystemStart.identifier)
        self.record = record
        isCurrent = true
        try store(record)
    }

    mutating func append(_ bytes: [UInt8]) throws(SystemError) {
        try file.append(bytes)
        guard durability == .full, let record, Int64(file.size) - record.durable >= Self.syncInterval else { return }
        try sync(record)
    }

    /// Gives the file its path, and removes the record.
    mutating func publish() throws(SystemError) {
        try file.publish()
        // Only under the lock: another call may have begun the next download to this path.
        guard var next = try? FileWriter(replacing: path, continuing: partialPath, durability: .relaxed), next.size == 0
        else { return }
        removeRecord()
        next.isKept = false
    }

    /// To be called when the download has failed: keeps what can be continued, and removes everything else.
    mutating func stop() {
        do throws(SystemError) {
            guard let record, record.file.validator != nil, file.size > 0 else { throw SystemError(code: ENODATA) }
            if durability == .full, isCurrent { try sync(record) }
        } catch {
            // After a failure to write to the disk, what the file holds is not known.
            removeRecord()
            file.isKept = false
        }
    }

    private mutating func sync(_ record: PartialRecord) throws(SystemError) {
        try file.sync()
        var record = record
        record.durable = Int64(file.size)
        self.record = record
        try store(record)
    }

    private func store(_ record: PartialRecord) throws(SystemError) {
        // URLs may contain secrets.
        var writer = try FileWriter(replacing: recordPath, permissions: 0o600)
        try writer.append(Array(record.text.utf8))
        try writer.publish()
    }

    private func removeRecord() { _ = recordPath.withCString { unlink($0) } }

    /// The content of a record; nil if there is no such file.
    private static func read(_ path: Path) -> [UInt8]? {
        guard let file = try? OpenFile(path: path) else { return nil }
        return try? file.bytes(at: 0, atMost: Int(min(recordLimit, file.identity.size)))
    }
}
