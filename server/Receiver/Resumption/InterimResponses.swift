import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// Tells a client with `104 (Upload Resumption Supported)` where its upload is, and how much of it is stored durably.
///
/// Few of them: libcurl accepts 300 KiB of header for one request.
final class InterimResponses: Sendable {
    /// The bytes between two responses: at least 16 MiB, and at least a sixteenth of the stored bytes. An upload of 16 TiB
    /// gets 190 responses.
    private static let (leastInterval, fraction) = (16 << 20, 16)
    private static let maximumCount = 200

    private let channel: any Channel
    /// Nil for tus, which has no such responses.
    private let version: DraftVersion?
    /// How many responses were written, and the offset that the last one told.
    private let told: Mutex<(count: Int, offset: Int)>

    init(_ channel: any Channel, _ dialect: UploadDialect, from offset: Int) {
        self.channel = channel
        version = if case .draft(let version) = dialect { version } else { nil }
        told = Mutex((0, offset))
    }

    func begin(at location: String, _ limits: UploadLimits) {
        var fields: HTTPFields = [.location: location]
        if let version, version.rawValue >= 6 { fields[.uploadLimit] = limits.field }
        write(fields)
    }

    /// Called from any thread, but never after the final response has begun.
    func stored(_ offset: Int) {
        let isDue = told.withLock { told in
            let interval = max(Self.leastInterval, offset / Self.fraction)
            guard offset - told.offset >= interval, told.count < Self.maximumCount else { return false }
            told = (told.count + 1, offset)
            return true
        }
        if isDue { write([.uploadOffset: String(offset)]) }
    }

    private func write(_ fields: HTTPFields) {
        guard let version else { return }
        var fields = fields
        fields[.uploadDraftInteropVersion] = String(version.rawValue)
        let status = HTTPResponse.Status(code: 104, reasonPhrase: "Upload Resumption Supported")
        channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: status, headerFields: fields)), promise: nil)
    }
}
