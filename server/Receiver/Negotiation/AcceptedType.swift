/// Whether `Accept` prefers HTML, as browsers do, or JSON (RFC 9110 §12.5.1).
enum AcceptedType: Hashable, Sendable {
    case html
    case json

    /// - Parameter field: nil if the request has none. The result is JSON unless HTML has the higher weight; `*/*` gives
    ///   both the same.
    init(_ field: String?) {
        let ranges = (field ?? "").split(separator: ",").map {
            $0.split(separator: ";").map { $0.trimmingOptionalSpace() }
        }
        func weight(_ type: String) -> Double {
            let family = type.prefix { $0 != "/" } + "/*"
            // The most specific matching range counts.
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
