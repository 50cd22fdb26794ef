/// Whether a browser asks, rather than a program: what `Accept` says of HTML and of JSON (RFC 9110 §12.5.1).
enum AcceptedType: Hashable, Sendable {
    case html
    case json

    /// - Parameter field: nil where there is none. JSON, unless HTML is preferred to it: `*/*` prefers nothing.
    init(_ field: String?) {
        let ranges = (field ?? "").split(separator: ",").map {
            $0.split(separator: ";").map { $0.trimmingOptionalSpace() }
        }
        func weight(_ type: String) -> Double {
            let family = type.prefix { $0 != "/" } + "/*"
            // The most specific range that matches counts.
            for name in [type, String(family), "*/*"] {
                guard let range = ranges.first(where: { $0.first?.lowercased() == name }) else { continue }
                let q = range.dropFirst().first { $0.lowercased().hasPrefix("q=") }?.dropFirst(2)
                return q.map { Double($0) ?? 0 } ?? 1
            }
            return 0
        }
        self = weight("text/html") > weight("application/json") ? .html : .json
    }
}
