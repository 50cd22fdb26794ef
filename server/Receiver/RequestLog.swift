import HTTPTypes
import Logging

/// The one line that is logged for a request.
struct RequestLog {
    /// Of the body, as it went over the connection: the request's, or that of a file that was sent.
    var bytes = 0
    var parts = 0
    /// Why the request was refused, or not answered in full.
    var failure: String?
    private let method: String
    /// Without the query, which may hold what no log should.
    private let path: String
    private let start = ContinuousClock.now

    init(_ head: HTTPRequest) {
        method = head.method.rawValue
        path = String((head.path ?? "").prefix { $0 != "?" })
    }

    func write(_ status: HTTPResponse.Status, to logger: Logger) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rate = seconds > 0 ? Double(bytes) / 1e6 / seconds : 0
        var metadata: Logger.Metadata = [
            "bytes": "\(bytes)",
            "seconds": "\((seconds * 1e6).rounded() / 1e6)",
            "MB/s": "\((rate * 10).rounded() / 10)",
            "parts": "\(parts)",
        ]
        if let failure { metadata["reason"] = "\(failure)" }
        logger.log(level: failure == nil ? .info : .warning, "\(method) \(path) \(status.code)", metadata: metadata)
    }
}
