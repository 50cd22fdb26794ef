import HTTPTypes
import Synchronization

/// Counts what a server does, for `GET /metrics`.
final class ServerMetrics: Sendable {
    /// Upper bounds of a request's duration, in seconds: from a short answer to a long upload.
    private static let bounds = [0.001, 0.01, 0.1, 1, 10, 60, 600]

    private struct Kind: Hashable {
        let method: String
        let status: Int
    }

    private struct Requests {
        var counts: [Kind: Int] = [:]
        var rejections: [String: Int] = [:]
        /// Of those that took no longer than each bound, and longer than the one before; at last, of the others.
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

    /// How many requests are being answered.
    var activeRequests: Int { active.load(ordering: .relaxed) }

    /// How many have been cut off by the server's end.
    var requestsCutOff: Int { cutOff.load(ordering: .relaxed) }

    /// A request has been answered, or given up.
    ///
    /// - Parameter method: nil where it is not known.
    func requestEnded(_ method: HTTPRequest.Method?, _ status: HTTPResponse.Status, seconds: Double) {
        active.subtract(1, ordering: .relaxed)
        // Anyone can make up a method.
        let kind = Kind(method: method.flatMap { $0.isKnown ? $0.rawValue : nil } ?? "other", status: status.code)
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        requests.withLock { requests in
            requests.counts[kind, default: 0] += 1
            requests.durations[bucket] += 1
            requests.seconds += seconds
        }
    }

    /// What has not become a request has been answered.
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
        text.family("requests_total", "counter", "Requests that were answered or given up.")
        for (kind, count) in requests.counts.sorted(by: {
            ($0.key.method, $0.key.status) < ($1.key.method, $1.key.status)
        }) {
            text.sample("requests_total", "method=\"\(kind.method)\",status=\"\(kind.status)\"", count)
        }
        text.family("rejections_total", "counter", "Requests that were refused, by cause.")
        for (cause, count) in requests.rejections.sorted(by: { $0.key < $1.key }) {
            text.sample("rejections_total", "cause=\"\(cause)\"", count)
        }
        text.family("request_duration_seconds", "histogram", "From a request's head to its response's end.")
        var sum = 0
        for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], requests.durations) {
            sum += count
            text.sample("request_duration_seconds_bucket", "le=\"\(bound)\"", sum)
        }
        text.sample("request_duration_seconds_sum", nil, requests.seconds)
        text.sample("request_duration_seconds_count", nil, sum)
        text.family("requests_active", "gauge", "Requests that are being answered.")
        text.sample("requests_active", nil, activeRequests)
        text.family("connections_open", "gauge", "Connections that are open.")
        text.sample("connections_open", nil, connections.load(ordering: .relaxed))
        text.family("received_bytes_total", "counter", "Bytes of HTTP received, without TLS.")
        text.sample("received_bytes_total", nil, bytesReceived.load(ordering: .relaxed))
        text.family("sent_bytes_total", "counter", "Bytes of HTTP sent, without TLS.")
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
