import HTTPTypes
import Synchronization

/// Counts requests, connections and bytes for `GET /metrics`.
final class ServerMetrics: Sendable {
    /// Upper bounds of the histogram's buckets, in seconds: from a short response to a long upload.
    private static let bounds = [0.001, 0.01, 0.1, 1, 10, 60, 600]

    private struct Kind: Hashable {
        let method: String
        let status: Int
    }

    private struct Requests {
        var counts: [Kind: Int] = [:]
        var rejections: [String: Int] = [:]
        /// One element for each bucket of the histogram, and one for longer requests.
        var durations = [Int](repeating: 0, count: ServerMetrics.bounds.count + 1)
        var seconds = 0.0
    }

    private let connections = Atomic(0)
    private let active = Atomic(0)
    private let cutOff = Atomic(0)
    private let bytesReceived = Atomic(0)
    private let bytesSent = Atomic(0)
    private let requests = Mutex(Requests())

    func connectionOpened() { connections.add(1, ordering: .relaxed) }
    func connectionClosed() { connections.subtract(1, ordering: .relaxed) }
    func requestBegan() { active.add(1, ordering: .relaxed) }
    func requestCutOff() { cutOff.add(1, ordering: .relaxed) }
    func received(_ bytes: Int) { bytesReceived.add(bytes, ordering: .relaxed) }
    func sent(_ bytes: Int) { bytesSent.add(bytes, ordering: .relaxed) }

    /// Requests that have begun and not ended.
    var activeRequests: Int { active.load(ordering: .relaxed) }

    /// Requests that were cut off when the server stopped.
    var requestsCutOff: Int { cutOff.load(ordering: .relaxed) }

    /// A request has been answered or aborted.
    ///
    /// - Parameter method: nil for input that is not a request.
    func requestEnded(_ method: HTTPRequest.Method?, _ status: HTTPResponse.Status, seconds: Double) {
        active.subtract(1, ordering: .relaxed)
        // Clients can send any method; an unbounded number of labels would fill the memory.
        let kind = Kind(method: method.flatMap { $0.isKnown ? $0.rawValue : nil } ?? "other", status: status.code)
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        requests.withLock { requests in
            requests.counts[kind, default: 0] += 1
            requests.durations[bucket] += 1
            requests.seconds += seconds
        }
    }

    /// Input that is not a request has been answered with an error.
    func rejectedUnread(_ code: Refusal.Code) {
        rejected(code)
        requestBegan()
        requestEnded(nil, code.status, seconds: 0)
    }

    func rejected(_ code: Refusal.Code) {
        requests.withLock { $0.rejections[code.cause, default: 0] += 1 }
    }

    /// The text format of Prometheus, https://prometheus.io/docs/instrumenting/exposition_formats/
    var text: String {
        let requests = requests.withLock { $0 }
        var text = MetricsText()
        text.family("requests_total", "counter", "Requests that were answered or aborted.")
        for (kind, count) in requests.counts.sorted(by: {
            ($0.key.method, $0.key.status) < ($1.key.method, $1.key.status)
        }) {
            text.sample("requests_total", "method=\"\(kind.method)\",status=\"\(kind.status)\"", count)
        }
        text.family("rejections_total", "counter", "Requests that were refused, by cause.")
        for (cause, count) in requests.rejections.sorted(by: { $0.key < $1.key }) {
            text.sample("rejections_total", "cause=\"\(cause)\"", count)
        }
        text.family("request_duration_seconds", "histogram", "Time from a request's head to its response's end.")
        var sum = 0
        for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], requests.durations) {
            sum += count
            text.sample("request_duration_seconds_bucket", "le=\"\(bound)\"", sum)
        }
        text.sample("request_duration_seconds_sum", nil, requests.seconds)
        text.sample("request_duration_seconds_count", nil, sum)
        text.family("requests_active", "gauge", "Requests that have begun and not ended.")
        text.sample("requests_active", nil, activeRequests)
        text.family("connections_open", "gauge", "Open connections.")
        text.sample("connections_open", nil, connections.load(ordering: .relaxed))
        text.family("received_bytes_total", "counter", "Bytes of HTTP received, not counting TLS.")
        text.sample("received_bytes_total", nil, bytesReceived.load(ordering: .relaxed))
        text.family("sent_bytes_total", "counter", "Bytes of HTTP sent, not counting TLS.")
        text.sample("sent_bytes_total", nil, bytesSent.load(ordering: .relaxed))
        return text.text
    }
}

private struct MetricsText {
    private(set) var text = ""

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP http_streaming_\(name) \(help)\n# TYPE http_streaming_\(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: String?, _ value: some CustomStringConvertible) {
        text += "http_streaming_\(name)\(labels.map { "{\($0)}" } ?? "") \(value)\n"
    }
}
